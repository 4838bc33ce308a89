import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Flow } from './flow.ts';

const KB = 1024;

/** A client whose answers are the test's, and its clock. */
class Client extends EventEmitter {
  readyState = 1;
  readonly pings: string[] = [];
  readonly socket = { bytesWritten: 0 };
  now = 0;
  readonly flow = new Flow(this, this.socket, () => this.now);

  ping(data: string): void {
    this.pings.push(data);
  }

  /** Sends until it is full, or this much. */
  send(most: number, part = KB): number {
    const before = this.socket.bytesWritten;
    while (this.socket.bytesWritten - before < most && !this.flow.full) this.socket.bytesWritten += part;
    return this.socket.bytesWritten - before;
  }

  /** Answers all that was asked, so much later. */
  answer(ms: number): void {
    this.now += ms;
    for (const ping of this.pings.splice(0)) this.emit('pong', Buffer.from(ping));
  }
}

test('no more is on its way than was taken soon, and the more the sooner', () => {
  const client = new Client();
  expect(client.send(64 * KB * KB)).toBeLessThanOrEqual(130 * KB);
  expect(client.pings).toHaveLength(4);
  expect(client.send(64 * KB * KB)).toBe(0);
  for (let turn = 0; turn < 10; turn++) {
    client.answer(10);
    client.send(64 * KB * KB);
  }
  client.answer(10);
  const most = client.send(64 * KB * KB);
  expect(most).toBeGreaterThan(2 * KB * KB);
  expect(most).toBeLessThanOrEqual(4 * KB * KB + 2 * KB);
});

test('on a slow line it becomes less, and never nothing', () => {
  const client = new Client();
  client.send(64 * KB * KB);
  for (let turn = 0; turn < 10; turn++) {
    client.answer(4_000);
    client.send(64 * KB * KB);
  }
  client.answer(4_000);
  expect(client.send(64 * KB * KB)).toBeLessThanOrEqual(66 * KB);
  client.answer(1_000);
  expect(client.send(64 * KB * KB)).toBeGreaterThan(40 * KB);
});

/** What was on its way over a line that carries so many bytes in a millisecond, at each of so many pings. */
function onItsWay(rate: number, pings: number): number[] {
  const client = new Client();
  let arrived = 0;
  return Array.from({ length: pings }, () => {
    client.send(64 * KB * KB);
    const sent = client.socket.bytesWritten - arrived;
    const next = client.pings.shift();
    if (next === undefined) throw new Error('nothing is asked, and nothing can be sent');
    client.now += (Number(next) - arrived) / rate;
    arrived = Number(next);
    client.emit('pong', Buffer.from(next));
    return sent;
  });
}

test('whatever a line carries, what comes next is not behind more than it carries in two seconds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 20_000 }), (rate) => {
      const sent = onItsWay(rate, 200);
      expect(Math.max(...sent)).toBeLessThanOrEqual(Math.max(130 * KB, 2_000 * rate));
      // Nor does the line wait for what could be on its way.
      expect(sent.at(-1)).toBeGreaterThanOrEqual(Math.min(4 * KB * KB, 500 * rate));
    }),
  );
});

test('who waits goes on with an answer, with the end of the connection, or with a signal', async () => {
  const client = new Client();
  client.send(64 * KB * KB);
  const { signal } = new AbortController();
  const first = client.flow.moves(signal);
  client.answer(10);
  await first;
  client.send(64 * KB * KB);
  const cut = new AbortController();
  const second = client.flow.moves(cut.signal);
  // What nobody asked for is no answer.
  client.emit('pong', Buffer.from('7'));
  cut.abort();
  await second;
  expect(client.flow.full).toBe(true);
  const third = client.flow.moves(signal);
  client.readyState = 3;
  client.emit('close');
  await third;
  expect(client.flow.full).toBe(false);
});
