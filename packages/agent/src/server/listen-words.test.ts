import { expect, test } from 'vitest';
import { isLoopback, listenPlan, whyNotListen } from './listen-words.ts';

const tls = { tlsCert: 'c.pem', tlsKey: 'k.pem' };

test.each([
  [{}, undefined],
  [{ listen: '127.0.0.1:7443' }, { host: '127.0.0.1', port: 7443 }],
  [{ listen: 'localhost:0' }, { host: 'localhost', port: 0 }],
  [
    { listen: '[::]:7443', ...tls },
    { host: '::', port: 7443, tls: { cert: 'c.pem', key: 'k.pem' } },
  ],
  [
    { listen: 'db-1.example.com:443', ...tls, tlsClientCa: 'ca.pem' },
    { host: 'db-1.example.com', port: 443, tls: { cert: 'c.pem', key: 'k.pem', clientCa: 'ca.pem' } },
  ],
])('%j is taken', (words, value) => {
  expect(listenPlan(words)).toEqual({ ok: true, value });
});

test.each([
  [{ tlsCert: 'c.pem' }, '--tls-cert is for --listen'],
  [{ tlsKey: 'k.pem' }, '--tls-key is for --listen'],
  [{ tlsClientCa: 'k.pem' }, '--tls-client-ca is for --listen'],
  [{ listen: '0.0.0.0:1', tlsCert: 'c.pem' }, 'no --tls-key'],
  [{ listen: '0.0.0.0:1', tlsKey: 'k.pem' }, 'no --tls-cert'],
  [{ listen: '127.0.0.1:1', tlsClientCa: 'ca.pem' }, 'wants TLS'],
  [{ listen: '0.0.0.0:1' }, 'with TLS alone'],
  [{ listen: '[::]:1' }, 'with TLS alone'],
  [{ listen: '7443', ...tls }, 'no HOST:PORT'],
  [{ listen: ':7443', ...tls }, 'no HOST:PORT'],
  [{ listen: '::1:7443', ...tls }, 'no HOST:PORT'],
  [{ listen: '[name]:7443', ...tls }, 'no HOST:PORT'],
  [{ listen: 'host:65536', ...tls }, 'no HOST:PORT'],
  [{ listen: 'host:-1', ...tls }, 'no HOST:PORT'],
  [{ listen: 'wss://host:1', ...tls }, 'no HOST:PORT'],
  [{ listen: '', ...tls }, 'no HOST:PORT'],
])('%j is refused: %s', (words, part) => {
  expect(listenPlan(words)).toMatchObject({
    ok: false,
    error: { code: 'listen-words', message: expect.stringContaining(part) },
  });
});

test.each([
  ['127.0.0.1', false, 1, undefined],
  ['127.0.0.1', true, 1, undefined],
  ['::1', false, 2, undefined],
  ['10.0.0.1', true, 1, undefined],
  ['10.0.0.1', false, 1, 'with TLS alone'],
  ['0.0.0.0', false, 1, 'with TLS alone'],
  ['::', false, 1, 'with TLS alone'],
  ['127.0.0.1', false, 0, 'token create NAME'],
  ['10.0.0.1', true, 0, 'token create NAME'],
  ['10.0.0.1', false, 0, 'with TLS alone'],
])('at %s, TLS %s, with %d tokens: %s', (address, withTls, tokens, part) => {
  const plan = { host: 'h', port: 1, ...(withTls && { tls: { cert: 'c', key: 'k' } }) };
  const why = whyNotListen({ plan, address, tokens }, 'towline-agent token create NAME');
  if (part === undefined) expect(why).toBeUndefined();
  else expect(why).toContain(part);
});

test.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['::1', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::ffff:127.0.0.1', true],
  ['::ffff:10.0.0.1', false],
  ['128.0.0.1', false],
  ['0.0.0.0', false],
  ['::', false],
  ['1::1', false],
  ['::11', false],
  ['localhost', false],
])('%s is loopback: %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});
