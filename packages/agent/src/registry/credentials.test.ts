import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { lookUpCredentials } from './credentials.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-credentials-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});

async function configure(config: unknown): Promise<void> {
  await writeFile(join(dir, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
}

/** A credential helper as Docker's are: a program on the PATH that reads the server and writes an answer. */
async function installHelper(name: string, script: string): Promise<void> {
  const bin = join(dir, 'bin');
  await mkdir(bin, { recursive: true });
  const path = join(bin, `docker-credential-${name}`);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  vi.stubEnv('PATH', `${bin}${delimiter}${process.env.PATH}`);
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const password = (username: string, password: string) => ({
  credentials: { kind: 'password', username, password },
});
const look = (server: string) => lookUpCredentials(dir, server);

test('no configuration is no credentials, and no problem', async () => {
  expect(await look('r.example.com')).toEqual({});
});

test('auths, as docker login writes them', async () => {
  await configure({
    auths: {
      'r.example.com': { auth: base64('op:se:cret') },
      'localhost:5000': { auth: base64('a:b\0\0') },
      'https://index.docker.io/v1/': { auth: base64('hub:word') },
      'https://old.example.com/v1/': { username: 'u', password: 'p' },
      'id.example.com': { auth: base64('x:y'), identitytoken: 'it' },
      'empty.example.com': {},
    },
  });
  expect(await look('r.example.com')).toEqual(password('op', 'se:cret'));
  expect(await look('localhost:5000')).toEqual(password('a', 'b'));
  expect(await look('https://index.docker.io/v1/')).toEqual(password('hub', 'word'));
  expect(await look('old.example.com')).toEqual(password('u', 'p'));
  expect(await look('id.example.com')).toEqual({ credentials: { kind: 'identity-token', token: 'it' } });
  expect(await look('empty.example.com')).toEqual({});
  expect(await look('example.com')).toEqual({});
});

test('a helper for this registry comes before the store, and the store before auths', async () => {
  await installHelper('own', 'read server; printf \'{"Username":"own","Secret":"for %s"}\' "$server"');
  await installHelper(
    'store',
    'read server; [ "$server" = s.example.com ] || exit 1; echo \'{"Username":"<token>","Secret":"t"}\'',
  );
  await configure({
    auths: { 'r.example.com': { auth: base64('a:a') }, 'other.example.com': { auth: base64('b:b') } },
    credHelpers: { 'r.example.com': 'own' },
    credsStore: 'store',
  });
  expect(await look('r.example.com')).toEqual(password('own', 'for r.example.com'));
  expect(await look('s.example.com')).toEqual({ credentials: { kind: 'identity-token', token: 't' } });
  // The store has nothing for it.
  expect(await look('other.example.com')).toEqual(password('b', 'b'));
});

test('a helper that can’t be asked is a problem to tell, and what auths have still counts', async () => {
  await configure({ auths: { 'a.example.com': { auth: base64('a:a') } }, credsStore: 'is-not-there' });
  expect((await look('r.example.com')).problem).toContain('docker-credential-is-not-there');
  expect(await look('a.example.com')).toEqual(password('a', 'a'));
  await configure({ credsStore: '../evil' });
  expect((await look('r.example.com')).problem).toContain('no credential helper');
});

test('a helper that answers nonsense, or more than any answer is, is a problem', async () => {
  await installHelper('odd', 'echo hello');
  await configure({ credsStore: 'odd' });
  expect((await look('r.example.com')).problem).toContain('no credential');
  await installHelper('flood', 'yes x | head -c 5000000');
  await configure({ credsStore: 'flood' });
  expect((await look('r.example.com')).problem).toContain('no credential');
});

test('a damaged configuration is a problem with its path in it', async () => {
  for (const text of ['{"auths":', '{"auths": 3}', '[]']) {
    await configure(text);
    expect((await look('r.example.com')).problem).toContain(join(dir, 'config.json'));
  }
});
