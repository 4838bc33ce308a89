import { sign } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { SigningRequestOptions } from 'ssh2';

/** A private key that can sign. */
export interface SigningKey {
  /** Its public part, base64. */
  blob: string;
  /** Throws where it can't. */
  sign(data: Buffer, how: SigningRequestOptions): Buffer;
}

/** What the thread that unlocks it is given. */
export interface LockedKey {
  text: Uint8Array;
  passphrase: string;
}

/** What that thread answers; nothing where the passphrase is not the key's own. */
export interface UnlockedKey {
  type: string;
  pem: string;
  blob: Uint8Array;
}

/**
 * A private key that is locked, opened in a thread of its own: a passphrase is stretched for as long as its key's maker
 * wanted (`ssh-keygen -a 100`: two seconds), and the screen goes on meanwhile. Undefined where the passphrase is not its own.
 */
export async function unlockKey(text: Buffer, passphrase: string): Promise<SigningKey | undefined> {
  const unlocked = await answerOf({ text, passphrase });
  if (unlocked === undefined) return undefined;
  const { type, pem, blob } = unlocked;
  return {
    blob: Buffer.from(blob).toString('base64'),
    sign: (data, { hash }) => sign(hash ?? HASHES[type] ?? null, data, pem),
  };
}

/** Of the kinds of key that have one hash each (RFC 5656, RFC 4253); Ed25519 has none of its own. */
const HASHES: Readonly<Record<string, string>> = {
  'ssh-rsa': 'sha1',
  'ssh-dss': 'sha1',
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
};

function answerOf(locked: LockedKey): Promise<UnlockedKey | undefined> {
  // Beside this source, or beside this bundle.
  const file = import.meta.url.endsWith('.ts') ? './unlock-key-worker.ts' : './unlock-key-worker.js';
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(file, import.meta.url), { workerData: locked });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`The thread that unlocks a key ended with ${code}`)));
  });
}
