import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificateAuthority } from '@towline/test/sandbox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkTls, readTlsFiles } from './tls-material.ts';

let dir: string;
const text: Record<string, string> = {};
const locked = `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgAAAAAAAAAAAICCAAw
-----END ENCRYPTED PRIVATE KEY-----
`;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-tls-'));
  const ca = await certificateAuthority(dir);
  const issued = await Promise.all([ca.issue('good', ['a']), ca.issue('late', ['a'], -1), ca.issue('other')]);
  for (const [index, name] of ['good', 'late', 'other'].entries()) {
    text[name] = await readFile(issued[index]?.cert ?? '', 'utf8');
    text[`${name}Key`] = await readFile(issued[index]?.key ?? '', 'utf8');
  }
  text.ca = await readFile(ca.cert, 'utf8');
});
afterAll(() => rm(dir, { recursive: true }));

const files = { cert: 'c.pem', key: 'k.pem', clientCa: 'ca.pem' };
const check = (cert: string, key: string, clientCa?: string, now = new Date()) => {
  const pem = { cert: text[cert] ?? cert, key: text[key] ?? key };
  return checkTls(
    { ...pem, ...(clientCa !== undefined && { clientCa: text[clientCa] ?? clientCa }) },
    files,
    now,
  );
};

test('what fits is taken, with the pin that a map file would have', () => {
  expect(check('good', 'goodKey', 'ca')).toMatchObject({
    ok: true,
    value: {
      pin: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      warnings: [],
      options: { minVersion: 'TLSv1.2' },
    },
  });
});

test.each([
  [
    'good',
    'otherKey',
    undefined,
    "--tls-key k.pem can't be used: it is not the key of the certificate c.pem",
  ],
  ['nonsense', 'goodKey', undefined, "--tls-cert c.pem can't be used: it is no certificate"],
  ['goodKey', 'goodKey', undefined, '--tls-cert c.pem'],
  ['good', 'nonsense', undefined, "--tls-key k.pem can't be used: it is no key"],
  ['good', 'good', undefined, '--tls-key k.pem'],
  ['good', locked, undefined, 'k.pem'],
  ['good', 'goodKey', 'nonsense', '--tls-client-ca ca.pem'],
])('%s with %s and %s is refused', (cert, key, clientCa, part) => {
  expect(check(cert, key, clientCa)).toMatchObject({
    ok: false,
    error: { code: 'tls-files', message: expect.stringContaining(part) },
  });
});

test('a certificate out of its time is told of', () => {
  expect(check('late', 'lateKey')).toMatchObject({
    value: { warnings: [expect.stringMatching(/c\.pem expired on .* put a new one there/)] },
  });
  expect(check('good', 'goodKey', undefined, new Date('2000-01-01'))).toMatchObject({
    value: { warnings: [expect.stringContaining('not good before')] },
  });
});

test('a file that is not there is named', async () => {
  const missing = { cert: join(dir, 'none.pem'), key: join(dir, 'good.key') };
  expect(await readTlsFiles(missing, new Date())).toMatchObject({
    error: { code: 'tls-files', message: expect.stringContaining('none.pem') },
  });
});
