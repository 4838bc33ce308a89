import { EventEmitter } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createToken, readTokens, revokeToken, tokensDir } from '../access/index.ts';
import type { TokenCaller } from './permissions.ts';
import { TokenCallers } from './token-callers.ts';

/** One end of a connection, as far as it is let go. */
class Client extends EventEmitter {
  readonly closed: unknown[] = [];
  close(code: number, reason: string): void {
    this.closed.push([code, reason]);
    this.emit('close');
  }
  terminate(): void {
    this.closed.push('terminated');
    this.emit('close');
  }
}

let dir: string;
let callers: TokenCallers;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-callers-'));
  callers = new TokenCallers(dir, { info() {}, warn() {}, error() {} });
});
afterEach(async () => {
  callers.close();
  await rm(dir, { recursive: true });
});

async function comes(name: string, expiresAt?: number): Promise<{ client: Client; caller: TokenCaller }> {
  await createToken(dir, { name, role: 'viewer', expiresAt }, Date.now());
  const { tokens } = await readTokens(dir);
  const { hash = '' } = tokens.find((token) => token.name === name) ?? {};
  const client = new Client();
  const caller: TokenCaller = { kind: 'token', name, role: 'viewer', hash };
  callers.add(client, caller);
  return { client, caller };
}

test('whose token has ended goes, and what it still sends counts for nothing', async () => {
  const anna = await comes('anna');
  const late = await comes('late', Date.now());
  const gone = await comes('gone');
  await revokeToken(dir, 'gone', Date.now());
  const lost = await comes('lost');
  await rm(join(tokensDir(dir), 'lost.json'));
  // Asked for while one goes on: there is another one after it.
  await callers.look();
  await callers.look();
  expect(anna.client.closed).toEqual([]);
  expect(late.client.closed).toEqual([[4401, 'token-expired']]);
  expect(gone.client.closed).toEqual([[4401, 'token-revoked']]);
  expect(lost.client.closed).toEqual([[4401, 'token-revoked']]);
  expect([late, gone, lost].map(({ caller }) => caller.ended)).toEqual(['expired', 'revoked', 'revoked']);
  expect(callers.size).toBe(1);
  expect(callers.with(anna.caller.hash)).toBe(1);
});

test('what can not be read ends nobody who is here', async () => {
  const anna = await comes('anna');
  const path = join(tokensDir(dir), 'anna.json');
  await writeFile(path, '{');
  await chmod(path, 0o600);
  await callers.look();
  await callers.look();
  expect(anna.client.closed).toEqual([]);
});
