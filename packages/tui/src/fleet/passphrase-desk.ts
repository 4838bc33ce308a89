import type { AskPassphrase } from '../link/index.ts';

/** A question that a person at the screen is asked. */
export interface PassphraseQuestion {
  id: number;
  text: string;
}

/** Where links ask, and whoever draws the screen answers. */
export interface PassphraseDesk {
  ask: AskPassphrase;
  /** Undefined is no answer. One that is not asked any more is passed over. */
  answer(id: number, passphrase: string | undefined): void;
}

/** `onQuestion` is told of each, and of none when there is none any more. */
export function createPassphraseDesk(
  onQuestion: (question: PassphraseQuestion | undefined) => void,
): PassphraseDesk {
  let asked = 0;
  const waiting = new Map<number, (passphrase: string | undefined) => void>();
  return {
    ask: (text, signal) =>
      new Promise((resolve) => {
        const id = ++asked;
        const settle = (passphrase: string | undefined) => {
          if (!waiting.delete(id)) return;
          signal.removeEventListener('abort', onAbort);
          onQuestion(undefined);
          resolve(passphrase);
        };
        const onAbort = () => settle(undefined);
        waiting.set(id, settle);
        if (signal.aborted) onAbort();
        else {
          signal.addEventListener('abort', onAbort, { once: true });
          onQuestion({ id, text });
        }
      }),
    answer: (id, passphrase) => waiting.get(id)?.(passphrase),
  };
}
