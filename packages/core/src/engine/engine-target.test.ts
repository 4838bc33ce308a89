import { expect, test } from 'vitest';
import { describeEngine, findEngine } from './engine-target.ts';

function find(option: string, env: Record<string, string> = {}): string {
  const found = findEngine({ option, env, exists: () => false });
  return found.ok ? describeEngine(found.value) : found.error.message;
}

test.each([
  ['/a.sock', 'unix:///a.sock'],
  ['unix:///a.sock', 'unix:///a.sock'],
  ['engine:4000', 'tcp://engine:4000'],
  ['tcp://engine', 'tcp://engine:2375'],
  ['tcp://engine:2376', 'https://engine:2376'],
  ['https://engine:443', 'https://engine:443'],
  ['http://engine:80', 'tcp://engine:80'],
  ['tcp://[::1]:4000', 'tcp://[::1]:4000'],
])('%s is %s, and so are its words', (text, words) => {
  expect(find(text)).toBe(words);
  expect(find(words)).toBe(words);
});

test('what Docker’s variables say of TLS is in the words', () => {
  expect(find('tcp://engine', { DOCKER_TLS_VERIFY: '1' })).toBe('https://engine:2376');
});

test.each(['banana', 'fd://', 'nonsense://x', 'unix://relative'])('%s is no address', (text) => {
  expect(find(text)).toContain(`"${text}" can't be used as the engine's address`);
});

test('without a word the first socket that is there is taken', () => {
  const env = { XDG_RUNTIME_DIR: '/run/user/7' };
  const exists = (path: string) => path === '/run/user/7/docker.sock';
  expect(findEngine({ env, exists })).toEqual({
    ok: true,
    value: { kind: 'socket', path: '/run/user/7/docker.sock' },
  });
});
