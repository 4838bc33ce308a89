import { readKeyFile } from './key-file.ts';
import type { SigningKey } from './unlock-key.ts';

/** Asks a person for a passphrase; undefined where there is none to ask, or where they refuse. */
export type AskPassphrase = (question: string, signal: AbortSignal) => Promise<string | undefined>;

/** Private keys that were unlocked, each once for all machines that take it. */
export interface KeyRing {
  /**
   * The private key of a file. `refused`: no passphrase was given. `wrong`: three were, and none was its own. Neither is
   * asked for again before `askAgain`.
   */
  unlock(path: string, encrypted: boolean): Promise<SigningKey | 'refused' | 'wrong'>;
  /** Forgets what was not given, or wrong: it is asked for again. */
  askAgain(): void;
}

const TRIES = 3;

export function createKeyRing(ask: AskPassphrase, signal: AbortSignal): KeyRing {
  const keys = new Map<string, Promise<SigningKey | 'refused' | 'wrong'>>();
  const locked = new Set<string>();
  // One question at a time: a person has one keyboard.
  let turn: Promise<unknown> = Promise.resolve();

  const unlock = async (path: string): Promise<SigningKey | 'refused' | 'wrong'> => {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const again = attempt === 0 ? '' : 'That was not it. ';
      const passphrase = await ask(`${again}Passphrase for the key ${path}:`, signal);
      // An empty one opens nothing.
      if (passphrase === undefined || passphrase === '') return 'refused';
      const key = await readKeyFile(path, passphrase);
      if (key !== undefined) return key;
    }
    return 'wrong';
  };

  return {
    async unlock(path, encrypted) {
      if (!encrypted) return (await readKeyFile(path, undefined)) ?? 'wrong';
      const known = keys.get(path);
      if (known !== undefined) return known;
      const asked = turn.then(() => unlock(path));
      turn = asked.catch(() => {});
      keys.set(path, asked);
      asked.then(
        (key) => typeof key === 'string' && locked.add(path),
        // A file that could not be read is tried again.
        () => keys.delete(path),
      );
      return asked;
    },
    askAgain() {
      for (const path of locked) keys.delete(path);
      locked.clear();
    },
  };
}
