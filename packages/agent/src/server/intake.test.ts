import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Intake } from './intake.ts';

const MANY = 5_000;
const http = createServer();
let server: WebSocketServer;
let asking: WebSocket;
let asked: WebSocket;
let intake: Intake;

beforeEach(async () => {
  server = new WebSocketServer({ server: http });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const address = http.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const connected = once(server, 'connection');
  asking = new WebSocket(`ws://127.0.0.1:${port}`);
  const [socket, request] = await connected;
  asked = socket;
  intake = new Intake(socket, request.socket);
  await once(asking, 'open');
});
afterEach(async () => {
  asking.terminate();
  asked.terminate();
  server.close();
  await new Promise((resolve) => http.close(resolve));
});

/** Has so many questions sent, and does this for each. */
function ask(work: () => Promise<void>): { came: number } {
  const seen = { came: 0 };
  asked.on('message', () => {
    seen.came += 1;
    void intake.run(work);
  });
  for (let at = 0; at < MANY; at++) asking.send('a question of no great length');
  return seen;
}

test('one that asks faster than it is answered is not read from, and gets all of its answers in the end', async () => {
  const gate = Promise.withResolvers<void>();
  let open = 0;
  let most = 0;
  let done = 0;
  const seen = ask(async () => {
    most = Math.max(most, ++open);
    await gate.promise;
    open -= 1;
    done += 1;
  });
  await vi.waitFor(() => expect(asked.isPaused).toBe(true));
  expect(seen.came).toBeLessThan(MANY);
  gate.resolve();
  await vi.waitFor(() => expect(done).toBe(MANY));
  expect(most).toBe(64);
  expect(asked.isPaused).toBe(false);
});

test('one that takes no answers is not read from until it does', async () => {
  let answers = 0;
  asking.pause();
  asking.on('message', () => {
    answers += 1;
  });
  const seen = ask(async () => asked.send('an answer'.repeat(500)));
  await vi.waitFor(() => expect(asked.isPaused).toBe(true));
  expect(seen.came).toBeLessThan(MANY);
  asking.resume();
  await vi.waitFor(() => expect(answers).toBe(MANY));
});

test('one that failed makes room for the next', async () => {
  const results = await Promise.allSettled(
    Array.from({ length: 200 }, (_, at) =>
      intake.run(async () => {
        if (at % 2 === 0) throw new Error('no');
        return at;
      }),
    ),
  );
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(100);
});
