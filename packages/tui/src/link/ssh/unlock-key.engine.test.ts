import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { publicKey } from './key-file.ts';
import { unlockKey } from './unlock-key.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-key-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function locked(...words: string[]): Promise<Buffer> {
  const file = join(dir, 'key');
  await promisify(execFile)('ssh-keygen', ['-q', '-N', 'sesame', '-f', file, ...words]);
  return readFile(file);
}

test.each<[type: string, hash: 'sha512' | undefined]>([
  ['ed25519', undefined],
  ['ecdsa', undefined],
  ['rsa', 'sha512'],
  ['rsa', undefined],
])('a locked key (%s, %s) signs as itself', async (type, hash) => {
  const key = await unlockKey(await locked('-t', type, '-a', '1'), 'sesame');
  if (key === undefined) throw new Error('not unlocked');
  const data = Buffer.from('what a machine wants signed');
  const signature = key.sign(data, hash === undefined ? {} : { hash });
  expect(publicKey(key.blob)?.verify(data, signature, hash)).toBe(true);
});

test('a passphrase of another opens nothing, and while it is tried the rest goes on', async () => {
  const text = await locked('-t', 'ed25519', '-a', '40');
  let turns = 0;
  const turning = setInterval(() => turns++, 1);
  try {
    expect(await unlockKey(text, 'simsalabim')).toBeUndefined();
  } finally {
    clearInterval(turning);
  }
  expect(turns).toBeGreaterThan(10);
});
