import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificateAuthority } from '@towline/test/sandbox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ProofPlace, proofProblems, readProof, readToken } from './proof.ts';

let place: ProofPlace;

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tl-proof-'));
  place = {
    folder: join(dir, 'maps'),
    home: join(dir, 'home'),
    env: { T: ' towline_env\n', EMPTY: '', BAD: 'a b' },
  };
  await mkdir(place.folder);
  await mkdir(place.home);
  for (const [name, text, mode] of [
    ['maps/own', 'towline_own\n', 0o600],
    ['maps/group', 'towline_group', 0o640],
    ['maps/open', 'towline_open', 0o644],
    ['maps/written', 'towline_written', 0o620],
    ['maps/empty', '\n', 0o600],
    ['maps/page', '<p>two words</p>', 0o600],
    ['maps/long', 'x'.repeat(5000), 0o600],
    ['home/own', 'towline_home', 0o600],
  ] as const) {
    await writeFile(join(dir, name), text);
    await chmod(join(dir, name), mode);
  }
  const ca = await certificateAuthority(place.folder);
  await Promise.all([ca.issue('anna'), ca.issue('bert')]);
  await copyFile(join(place.folder, 'anna.key'), join(place.folder, 'open.key'));
  await chmod(join(place.folder, 'open.key'), 0o644);
});
afterAll(() => rm(join(place.folder, '..'), { recursive: true }));

test.each([
  [{ file: 'own' }, 'towline_own', 'maps/own'],
  [{ file: 'group' }, 'towline_group', 'maps/group'],
  [{ file: '~/own' }, 'towline_home', 'home/own'],
  [{ env: 'T' }, 'towline_env', 'the variable T'],
])('%j is a token', async (token, value, from) => {
  expect(await readToken(token, place)).toEqual({
    ok: true,
    value: { token: value, from: expect.stringContaining(from) },
  });
});

test.each([
  [undefined, 'names no token'],
  [{ file: 'none' }, "maps/none, can't be read: there is no such file"],
  [{ file: '.' }, 'it is a folder'],
  [{ file: 'open' }, 'maps/open`'],
  [{ file: 'written' }, "maps/written, can't be used: others can change it: `chmod 600 "],
  [{ file: 'empty' }, 'is no token'],
  [{ file: 'page' }, 'is no token'],
  [{ file: 'long' }, 'too long for a token'],
  [{ env: 'EMPTY' }, 'The environment variable EMPTY has no token'],
  [{ env: 'NONE' }, 'The environment variable NONE has no token'],
  [{ env: 'BAD' }, 'is no token'],
])('%j is none: %s', async (token, part) => {
  const read = await readToken(token, place);
  expect(read).toMatchObject({ ok: false, error: { message: expect.stringContaining(part) } });
  // What is in a file that is none may be a secret all the same.
  if (!read.ok) expect(read.error.message).not.toMatch(/towline_|two words/);
});

test('all that can not be read is told at once', async () => {
  expect(await readProof({ ca: 'ca.pem', pin: 'p' }, place)).toEqual({
    ok: true,
    value: { ca: await readFile(join(place.folder, 'ca.pem'), 'utf8'), pin: 'p' },
  });
  expect(await proofProblems({ token: { file: 'none' }, ca: 'no-ca' }, place)).toEqual([
    expect.stringContaining('The token'),
    expect.stringMatching(/^The ca that the map names, .*no-ca, can't be read/),
  ]);
  const client = { cert: 'ca.pem', key: 'no-key' };
  expect(await proofProblems({ token: { file: 'own' }, client }, place)).toEqual([
    expect.stringContaining('client_key'),
  ]);
});

test.each([
  [{ ca: 'own' }, /^The ca .*maps\/own, can't be used: it is no certificate in PEM\.$/],
  [{ client: { cert: 'own', key: 'anna.key' } }, /^The client_cert .*maps\/own, can't be used/],
  [
    { client: { cert: 'anna.pem', key: 'own' } },
    /^The client_key .*maps\/own, can't be used: it is no key in PEM/,
  ],
  [
    { client: { cert: 'anna.pem', key: 'bert.key' } },
    /^The client_key .*bert\.key, can't be used: it is not the key of the certificate .*maps\/anna\.pem\.$/,
  ],
  [
    { client: { cert: 'anna.pem', key: 'open.key' } },
    /open\.key, can't be used: others can read it: `chmod 600 \S+open\.key`\.$/,
  ],
])('%j is told with the file that can not be used', async (definition, message) => {
  expect(await readProof(definition, place)).toMatchObject({
    error: { code: 'agent-unreachable', message: expect.stringMatching(message) },
  });
});
