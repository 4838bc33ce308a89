import { parentPort, workerData } from 'node:worker_threads';
import { parseOne } from './parse-key.ts';
import type { LockedKey, UnlockedKey } from './unlock-key.ts';

// A thread of its own, for `unlockKey`.
const { text, passphrase }: LockedKey = workerData;
const key = parseOne(Buffer.from(text), passphrase);
const unlocked: UnlockedKey | undefined =
  key instanceof Error ? undefined : { type: key.type, pem: key.getPrivatePEM(), blob: key.getPublicSSH() };
parentPort?.postMessage(unlocked);
