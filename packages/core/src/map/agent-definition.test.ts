import { expect, test } from 'vitest';
import { formatMapFile, parseMapFile } from './index.ts';

const PIN = `sha256:${'0a'.repeat(32)}`;
const FULL = `{ url: "wss://db-1:7443", token: { env: T }, ca: ca.pem, pin: "${PIN}", client_cert: c.pem, client_key: k.pem }`;

function fileWith(agent: string): string {
  return `agents:
  db-1: ${agent}
services:
  shop: { maps: { live: { servers: { db: { agent: db-1, containers: [{ name: db, image: postgres }] } } } } }
`;
}

test.each([
  ['{ url: "unix:///run/towline/agent.sock" }', { url: 'unix:///run/towline/agent.sock' }],
  [
    '{ url: "ws://127.0.0.1:7443", token: { file: ~/t } }',
    { url: 'ws://127.0.0.1:7443', token: { file: '~/t' } },
  ],
  [
    FULL,
    {
      url: 'wss://db-1:7443',
      token: { env: 'T' },
      ca: 'ca.pem',
      pin: PIN,
      client: { cert: 'c.pem', key: 'k.pem' },
    },
  ],
  // As `openssl x509 -fingerprint -sha256` writes it.
  [
    FULL.replace(PIN, `sha256:${Array(32).fill('0A').join(':')}`).replace(/, client.*(?= })/, ''),
    { url: 'wss://db-1:7443', token: { env: 'T' }, ca: 'ca.pem', pin: PIN },
  ],
])('%s is an agent, and is written as it is read', (text, expected) => {
  const read = parseMapFile(fileWith(text));
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  expect(read.value.agents).toEqual([{ name: 'db-1', ...expected }]);
  const [service] = read.value.services;
  const written = parseMapFile(formatMapFile(service ?? expect.fail(), read.value.agents));
  expect(written).toEqual(read);
});

test.each([
  ['an unknown key', FULL.replace('ca:', 'caa:'), 'caa', 'did you mean "ca"?', 'one of url'],
  [
    'a token itself, which is not told on',
    FULL.replace('{ env: T }', `towline_${'x'.repeat(43)}`),
    'token',
    'found "towline_…"',
    'never the token itself',
  ],
  ['no variable', FULL.replace('env: T', 'env: T=1'), 'token.env', 'found "T=1"', 'an environment variable'],
  [
    'two places',
    FULL.replace('env: T', 'env: T, file: t'),
    'token',
    'found a map',
    '{ file: PATH } or { env: NAME }',
  ],
  ['a pin of another kind', FULL.replace(PIN, `sha1:${'ab'.repeat(20)}`), 'pin', 'found "sha1:', '64 hex'],
  ['a pin too short', FULL.replace(PIN, `sha256:${'ab'.repeat(31)}`), 'pin', 'found "sha256:', '64 hex'],
  [
    'half of a client',
    FULL.replace('client_cert: c.pem, ', ''),
    'client_cert',
    'is missing',
    'of client_key',
  ],
  ['the other half', FULL.replace(', client_key: k.pem', ''), 'client_key', 'is missing', 'of client_cert'],
  ['no token over TLS', '{ url: "wss://db-1" }', 'token', 'is missing', 'wants a token'],
  ['a token over SSH', '{ url: "ssh://db-1", token: { env: T } }', 'token', 'found a map', 'no token:'],
  ['a CA over SSH', '{ url: "ssh://db-1", ca: ca.pem }', 'ca', 'found "ca.pem"', 'for wss:// alone'],
  [
    'a pin without TLS',
    `{ url: "ws://[::1]:1", token: { env: T }, pin: "${PIN}" }`,
    'pin',
    'found',
    'for wss:// alone',
  ],
])('%s is told with its line', (_, text, key, message, expected) => {
  const read = parseMapFile(fileWith(text));
  expect(read).toMatchObject({
    ok: false,
    error: [
      {
        line: 2,
        column: expect.any(Number),
        path: expect.stringMatching(`^agents\\.db-1\\.${key.replace('.', '\\.')}`),
        message: expect.stringContaining(message),
        expected: expect.stringContaining(expected),
      },
    ],
  });
});
