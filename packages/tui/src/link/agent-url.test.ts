import { expect, test } from 'vitest';
import { agentAddress } from './agent-url.ts';

test.each([
  ['unix:///run/towline/agent.sock', '/run/towline/agent.sock'],
  ['unix:///tmp/with%20space:and-colon/a.sock', '/tmp/with space:and-colon/a.sock'],
])('%s is a socket', (url, path) => {
  expect(agentAddress(url)).toEqual({ ok: true, value: { kind: 'unix', path } });
});

test.each([
  ['ssh://deploy@web-1', 'not-available', 'ssh://deploy@web-1'],
  ['wss://db-1:7443', 'not-available', 'wss://db-1:7443'],
  ['ws://127.0.0.1:7443', 'not-available', 'ws://127.0.0.1:7443'],
  ['unix://relative/agent.sock', 'bad-url', 'absolute'],
  ['unix:///bad%', 'bad-url', 'absolute'],
  ['http://web-1', 'bad-url', 'unix:///PATH'],
  ['', 'bad-url', 'unix:///PATH'],
])('%s is refused with a sentence', (url, code, part) => {
  const result = agentAddress(url);
  expect(result).toMatchObject({ ok: false, error: { code } });
  expect(!result.ok && result.error.message).toContain(part);
});
