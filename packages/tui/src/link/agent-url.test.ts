import { expect, test } from 'vitest';
import { agentAddress } from './agent-url.ts';

test.each([
  ['unix:///run/towline/agent.sock', '/run/towline/agent.sock'],
  ['unix:///tmp/with%20space:and-colon/a.sock', '/tmp/with space:and-colon/a.sock'],
])('%s is a socket', (url, path) => {
  expect(agentAddress(url)).toEqual({ ok: true, value: { kind: 'unix', path } });
});

test.each([
  ['ssh://web-1', { host: 'web-1' }],
  ['ssh://web-1/', { host: 'web-1' }],
  ['ssh://deploy@web-1', { host: 'web-1', user: 'deploy' }],
  [
    'ssh://a%40b@web-1:2222/srv/a%20b.sock',
    { host: 'web-1', user: 'a@b', port: 2222, path: '/srv/a b.sock' },
  ],
  ['ssh://[fe80::1]:22', { host: 'fe80::1', port: 22 }],
])('%s is a socket of another machine', (url, address) => {
  expect(agentAddress(url)).toEqual({ ok: true, value: { kind: 'ssh', ...address } });
});

test.each([
  ['wss://db-1:7443', { secure: true, host: 'db-1', port: 7443 }],
  ['wss://db-1.example.com/', { secure: true, host: 'db-1.example.com', port: 443 }],
  ['wss://[2001:db8::1]:7443', { secure: true, host: '2001:db8::1', port: 7443 }],
  ['ws://127.0.0.1:7443', { secure: false, host: '127.0.0.1', port: 7443 }],
  ['ws://localhost', { secure: false, host: 'localhost', port: 80 }],
  ['ws://[::1]:1', { secure: false, host: '::1', port: 1 }],
])('%s is a port on the network', (url, address) => {
  expect(agentAddress(url)).toEqual({ ok: true, value: { kind: 'ws', ...address } });
});

test.each([
  ['ws://db-1:7443', 'bad-url', 'loopback only'],
  ['ws://127.example.com', 'bad-url', 'loopback only'],
  ['wss://user@db-1', 'bad-url', 'wss://HOST[:PORT]'],
  ['wss://db-1/path', 'bad-url', 'wss://HOST[:PORT]'],
  ['wss://db-1:0', 'bad-url', 'wss://HOST[:PORT]'],
  ['wss://db-1:65536', 'bad-url', 'wss://HOST[:PORT]'],
  ['wss://', 'bad-url', 'wss://HOST[:PORT]'],
  ['ssh://', 'bad-url', 'ssh://[USER@]HOST'],
  ['ssh://@web-1', 'bad-url', 'ssh://[USER@]HOST'],
  ['ssh://web-1:0', 'bad-url', 'ssh://[USER@]HOST'],
  ['ssh://web-1:65536', 'bad-url', 'ssh://[USER@]HOST'],
  ['ssh://web-1/bad%', 'bad-url', 'ssh://[USER@]HOST'],
  ['ssh://web-1/a%00b', 'bad-url', 'ssh://[USER@]HOST'],
  ['ssh://a%1bb@web-1', 'bad-url', 'ssh://[USER@]HOST'],
  ['ssh://fe80::1/', 'bad-url', 'ssh://[USER@]HOST'],
  ['ssh://-oProxyCommand=x', 'bad-url', 'dash'],
  ['ssh://-lroot@web-1', 'bad-url', 'dash'],
  ['unix://relative/agent.sock', 'bad-url', 'absolute'],
  ['unix:///bad%', 'bad-url', 'absolute'],
  ['http://web-1', 'bad-url', 'unix:///PATH'],
  ['', 'bad-url', 'unix:///PATH'],
])('%s is refused with a sentence', (url, code, part) => {
  const result = agentAddress(url);
  expect(result).toMatchObject({ ok: false, error: { code } });
  expect(!result.ok && result.error.message).toContain(part);
});
