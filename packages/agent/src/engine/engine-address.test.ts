import { expect, test } from 'vitest';
import { describeAddress, engineAddress } from './engine-address.ts';

function find(option: string | undefined, env: Record<string, string> = {}, there: string[] = []) {
  const files = {
    exists: (path: string) => there.includes(path),
    read: (path: string) => {
      if (!there.includes(path)) throw new Error('ENOENT');
      return `pem of ${path}`;
    },
  };
  return engineAddress({ option, env, files });
}

const USER = { XDG_RUNTIME_DIR: '/run/user/7', HOME: '/home/op' };

test.each<[string, string | undefined, Record<string, string>, string[], string]>([
  ['the option first', '/a.sock', { DOCKER_HOST: 'tcp://b:1' }, ['/var/run/docker.sock'], 'unix:///a.sock'],
  [
    'then DOCKER_HOST',
    undefined,
    { DOCKER_HOST: 'unix:///b.sock' },
    ['/var/run/docker.sock'],
    'unix:///b.sock',
  ],
  [
    'then the machine’s',
    undefined,
    USER,
    ['/var/run/docker.sock', '/run/user/7/docker.sock'],
    'unix:///var/run/docker.sock',
  ],
  ['then a rootless one', undefined, USER, ['/run/user/7/docker.sock'], 'unix:///run/user/7/docker.sock'],
  [
    'then the desktop’s',
    undefined,
    USER,
    ['/home/op/.docker/run/docker.sock'],
    'unix:///home/op/.docker/run/docker.sock',
  ],
  ['else the machine’s that may come', undefined, {}, [], 'unix:///var/run/docker.sock'],
  ['a host and port', 'engine:4000', {}, [], 'tcp://engine:4000'],
  ['the ordinary port', 'tcp://engine', {}, [], 'tcp://engine:2375'],
  ['an IPv6 address', 'tcp://[::1]:4000', {}, [], 'tcp://[::1]:4000'],
])('%s', (_, option, env, there, expected) => {
  const found = find(option, env, there);
  expect(found.ok && describeAddress(found.value)).toBe(expected);
});

test('TLS as Docker’s variables want it', () => {
  const there = ['ca', 'cert', 'key'].map((name) => `/certs/${name}.pem`);
  const env = { DOCKER_HOST: 'tcp://engine', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' };
  expect(find(undefined, env, there)).toMatchObject({
    ok: true,
    value: { kind: 'tcp', host: 'engine', port: 2376, tls: { ca: 'pem of /certs/ca.pem' } },
  });
  expect(find(undefined, env, [])).toMatchObject({ ok: false, error: { code: 'engine-address' } });
});

test.each([
  ['ssh://deploy@web-1', 'Start towline-agent on it'],
  ['unix://relative/path', 'unix:///its/path'],
  ['fd://', 'it is a path'],
  ['tcp://', 'names no host'],
])('%s is refused with what to do', (option, words) => {
  const found = find(option);
  expect(found.ok ? '' : found.error.message).toContain(words);
});
