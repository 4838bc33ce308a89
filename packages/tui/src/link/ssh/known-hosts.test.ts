import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fingerprintOf, KnownHost, keyTypeOf, knownHostsLine, knownHostsName } from './known-hosts.ts';

const run = promisify(execFile);
let dir: string;
/** As in a file: the type and the key. */
let ed25519: string;
let ecdsa: string;
let rsa: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-known-'));
  const make = async (type: string, bits: string) => {
    await run('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-C', '', '-f', join(dir, type)]);
    return (await readFile(join(dir, `${type}.pub`), 'utf8')).trim();
  };
  [ed25519, ecdsa, rsa] = await Promise.all([
    make('ed25519', '256'),
    make('ecdsa', '256'),
    make('rsa', '1024'),
  ]);
});

afterAll(() => rm(dir, { recursive: true }));

const blob = (line: string) => Buffer.from(line.split(' ')[1] ?? '', 'base64');
const file = (...lines: string[]) => [{ path: '/known', text: `${lines.join('\n')}\n` }];
const at22 = { name: 'web-1', port: 22 };
const at2222 = { name: 'web-1', port: 2222 };

test('a key names its type, and its fingerprint is that of ssh-keygen', async () => {
  expect([ed25519, ecdsa, rsa].map((line) => keyTypeOf(blob(line)))).toEqual([
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ssh-rsa',
  ]);
  const { stdout } = await run('ssh-keygen', ['-l', '-f', join(dir, 'ed25519.pub')]);
  expect(stdout.split(' ')[1]).toBe(fingerprintOf(blob(ed25519)));
  expect(keyTypeOf(Buffer.from('ab'))).toBe('');
});

test.each<[string, string[], { name: string; port: number }, object]>([
  ['by its name', ['web-1 E'], at22, { verdict: 'known' }],
  ['by one of several', ['other,web-1,10.0.0.1 E'], at22, { verdict: 'known' }],
  ['in capitals', ['WEB-1 E'], at22, { verdict: 'known' }],
  ['by a pattern', ['web-? E'], at22, { verdict: 'known' }],
  ['with a comment after it', ['web-1 E me@here'], at22, { verdict: 'known' }],
  ['after others of it', ['web-1 C', 'web-1 E'], at22, { verdict: 'known' }],
  ['by its port', ['[web-1]:2222 E'], at2222, { verdict: 'known' }],
  ['by its name, on another port', ['web-1 E'], at2222, { verdict: 'known' }],
  ['not by another port', ['[web-1]:2222 E'], at22, { verdict: 'unknown' }],
  ['not where it is excluded', ['*,!web-1 E'], at22, { verdict: 'unknown' }],
  ['not in a comment', ['#web-1 E', '', '# web-1 E'], at22, { verdict: 'unknown' }],
  ['not by half a line', ['web-1', 'web-1 ssh-ed25519'], at22, { verdict: 'unknown' }],
  ['not by a key of SSH 1', ['web-1 1024 35 12345'], at22, { verdict: 'unknown' }],
  ['not by an unknown marker', ['@other web-1 E'], at22, { verdict: 'unknown' }],
  ['not on another port by a name with another key', ['web-1 C'], at2222, { verdict: 'unknown' }],
  [
    'another key of its type',
    ['', 'web-1 C', 'web-1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA=='],
    at22,
    { verdict: 'differs', known: { type: 'ssh-ed25519', at: { path: '/known', line: 3 } } },
  ],
  [
    'a key of another type',
    ['web-1 C'],
    at22,
    { verdict: 'differs', known: { type: 'ecdsa-sha2-nistp256', at: { path: '/known', line: 1 } } },
  ],
  [
    'revoked, though known',
    ['web-1 E', '@revoked * E'],
    at22,
    { verdict: 'revoked', at: { path: '/known', line: 2 } },
  ],
  ['revoked, on another port', ['@revoked web-1 E'], at2222, { verdict: 'revoked', at: { line: 1 } }],
  ['another is revoked', ['web-1 E', '@revoked web-1 C'], at22, { verdict: 'known' }],
  [
    'by an authority',
    ['@cert-authority *-1 C'],
    at22,
    { verdict: 'unknown', authority: { path: '/known', line: 1 } },
  ],
])('a host is known %s', (_, lines, host, expected) => {
  const files = file(
    ...lines.map((line) => line.replace(/ E\b/, ` ${ed25519}`).replace(/ C\b/, ` ${ecdsa}`)),
  );
  expect(new KnownHost(files, host).judge(blob(ed25519))).toMatchObject(expected);
});

test('a later file counts as well, and is named', () => {
  const files = [...file('other x y'), { path: '/global', text: `web-1 ${ecdsa}` }];
  expect(new KnownHost(files, at22).judge(blob(ecdsa))).toEqual({ verdict: 'known' });
  expect(new KnownHost(files, at22).judge(blob(rsa))).toMatchObject({
    known: { at: { path: '/global', line: 1 } },
  });
});

test('the types that are known of a host are asked for first', () => {
  const files = file(`web-1 ${ecdsa}`, `web-1 ${ed25519}`, `@revoked web-1 ${rsa}`, `web-1 ${ecdsa}`);
  expect(new KnownHost(files, at22).keyTypes()).toEqual(['ecdsa-sha2-nistp256', 'ssh-ed25519']);
  expect(new KnownHost(files, at2222).keyTypes()).toEqual(['ecdsa-sha2-nistp256', 'ssh-ed25519']);
  expect(new KnownHost(files, { name: 'other', port: 22 }).keyTypes()).toEqual([]);
});

const NAMES = ['web-1', 'db.example.com', '10.0.0.1', '::1', 'elsewhere'];
const PORTS = [22, 2222];

test('which hosts a file knows is what `ssh-keygen -F` finds in it, also hashed by `ssh-keygen -H`', async () => {
  const path = join(dir, 'known_hosts');
  const text = [
    `web-1,10.0.0.1 ${ed25519}`,
    `[web-1]:2222 ${ed25519}`,
    `*.example.com,!db.example.com ${ed25519}`,
    `[db.example.com]:2222 ${ed25519}`,
    `::1 ${ed25519}`,
    '# elsewhere',
  ].join('\n');
  await writeFile(path, `${text}\n`);
  const compare = async () => {
    const files = [{ path, text: await readFile(path, 'utf8') }];
    const hosts = NAMES.flatMap((name) => PORTS.map((port) => ({ name, port })));
    const found = await Promise.all(
      hosts.map((host) =>
        run('ssh-keygen', ['-F', knownHostsName(host), '-f', path]).then(
          () => true,
          () => false,
        ),
      ),
    );
    // What another port lets through is more than ssh-keygen looks for.
    const judged = hosts.map(
      ({ name, port }) => new KnownHost(files, { name, port }).judge(blob(rsa)).verdict,
    );
    expect(judged.map((verdict) => verdict === 'differs')).toEqual(found);
    return found;
  };
  const plain = await compare();
  expect(plain).toContain(true);
  expect(plain).toContain(false);
  await run('ssh-keygen', ['-H', '-f', path]);
  expect(await readFile(path, 'utf8')).toContain('|1|');
  await compare();
});

test.each([true, false])('a line that is added is found by ssh-keygen (hashed: %s)', async (hashed) => {
  const path = join(dir, `added-${hashed}`);
  const text = knownHostsLine(at2222, blob(ecdsa), { hashed });
  await writeFile(path, text);
  const { stdout } = await run('ssh-keygen', ['-F', '[web-1]:2222', '-f', path]);
  expect(stdout).toContain(ecdsa.split(' ')[1]);
  expect(new KnownHost([{ path, text }], at2222).judge(blob(ecdsa))).toEqual({ verdict: 'known' });
  expect(text.startsWith('|1|')).toBe(hashed);
});
