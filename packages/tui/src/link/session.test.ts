import { createServer } from 'node:http';
import { duplexPair } from 'node:stream';
import { ok } from '@towline/core/result';
import { expect, test } from 'vitest';
import { REMOTE_BACKOFF } from './backoff.ts';
import { openSession } from './session.ts';

test('what answers in HTTP at the end of a way that is no socket, as over SSH, is said to be no agent', async () => {
  const [near, far] = duplexPair();
  const server = createServer((_, response) => response.writeHead(404).end('{"message":"page not found"}'));
  server.emit('connection', far);
  const opened = await openSession({
    transport: { name: 'ssh://web/run/docker.sock', backoff: REMOTE_BACKOFF, open: async () => ok(near) },
    version: '1',
    signal: new AbortController().signal,
  });
  expect(opened).toMatchObject({
    ok: false,
    error: {
      code: 'agent-unreachable',
      message: expect.stringContaining(
        'What answers on ssh://web/run/docker.sock is no Towline agent: it answers 404',
      ),
    },
  });
});
