import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type BuildPlace, createBuildPlace } from './build-place.ts';

let place: BuildPlace;
let original: string;

beforeAll(async () => {
  place = await createBuildPlace();
  original = await readFile(place.mapFile, 'utf8');
});

afterAll(() => place.close());

/** A way to an agent's socket that can be cut: every connection through it at once. */
async function wayTo(socket: string): Promise<{ path: string; cut(): number }> {
  const path = join(place.dir, 'way.sock');
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(socket);
    for (const end of [near, far]) {
      open.add(end);
      end.on('error', () => {});
      end.on('close', () => {
        open.delete(end);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const cut = () => {
    const count = open.size;
    for (const end of open) end.destroy();
    return count;
  };
  onTestFinished(async () => {
    cut();
    await new Promise((resolve) => server.close(resolve));
  });
  return { path, cut };
}

/** Runs the build with a command in it, over the way to its agent that there is. */
async function runWith(command: string, agentSocket: string) {
  await place.writeMap(
    original
      .replace(place.agents.alpha.socket, agentSocket)
      .replace(
        'version: 1.4.0',
        `version: 1.4.0\n        command: { image: "${place.registry}/test/faulty:ok", run: ${JSON.stringify(command)} }`,
      ),
  );
  const fleet = await place.fleet();
  onTestFinished(() => fleet.close());
  const [service] = fleet.store.getState().services;
  const definition = service?.builds[0];
  if (service === undefined || definition === undefined) throw new Error('the map has no build');
  const key = randomUUID();
  const begun = await fleet.runBuild('alpha', { key, service: service.name, definition, operator: 'ada' });
  if (!begun.ok) throw new Error(begun.error.message);
  return { fleet, log: { run: begun.value.runId, step: 'build' as const } };
}

test('a live log that is cut off again and again has every line once, in order', async () => {
  const way = await wayTo(place.agents.alpha.socket);
  const { fleet, log } = await runWith(
    'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); [ $((i % 500)) = 0 ] && sleep 0.05; done',
    way.path,
  );
  const { signal } = new AbortController();
  const seqs: number[] = [];
  const lines: string[] = [];
  let cuts = 0;
  const cutting = new AbortController();
  const cutter = (async () => {
    while (!cutting.signal.aborted) {
      await sleep(150, undefined, { signal: cutting.signal }).catch(() => {});
      if (way.cut() > 0) cuts++;
    }
  })();
  for await (const entries of fleet.followBuildLog('alpha', log, 'first', signal)) {
    for (const { seq, text: said } of entries) {
      seqs.push(seq);
      if (said.startsWith('line ')) lines.push(said);
    }
  }
  cutting.abort();
  await cutter;
  expect(cuts).toBeGreaterThan(3);
  expect(lines).toEqual(Array.from({ length: 20_000 }, (_, at) => `line ${at}`));
  expect(seqs).toEqual(seqs.map((_, at) => at + 1));

  // And the run itself: its events, over the same cuts.
  const events: number[] = [];
  for await (const { seq } of fleet.followBuildRun('alpha', log.run, signal)) events.push(seq);
  expect(events).toEqual(events.map((_, at) => at + 1));
  // From the middle on, as a screen that had a page.
  const rest: number[] = [];
  for await (const entries of fleet.followBuildLog('alpha', log, { from: 15_001 }, signal)) {
    rest.push(...entries.map(({ seq }) => seq));
  }
  expect(rest).toEqual(seqs.slice(15_000));
  const tail: number[] = [];
  for await (const entries of fleet.followBuildLog('alpha', log, { tail: 10 }, signal)) {
    tail.push(...entries.map(({ seq }) => seq));
  }
  expect(tail).toEqual(seqs.slice(-10));
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'the log of a run whose agent got a %s is followed to its last line, and then ends',
  async (signalName) => {
    const { fleet, log } = await runWith(
      'i=0; while [ $i -lt 700 ]; do echo line $i; i=$((i+1)); done; sleep 600',
      place.agents.alpha.socket,
    );
    const { signal } = new AbortController();
    const lines: string[] = [];
    let ended: Promise<void> | undefined;
    for await (const entries of fleet.followBuildLog('alpha', log, 'first', signal)) {
      lines.push(...entries.map(({ text }) => text).filter((text) => text.startsWith('line ')));
      if (lines.length >= 700) {
        ended ??= place.agents.alpha.stop(signalName).then(() => place.restartAlpha());
      }
    }
    await ended;
    expect(lines).toEqual(Array.from({ length: 700 }, (_, at) => `line ${at}`));
    const run = await fleet.buildRun('alpha', log.run);
    expect(run).toMatchObject({ ok: true, value: { state: 'ERROR', error: { code: 'interrupted' } } });
    let last = '';
    for await (const { type } of fleet.followBuildRun('alpha', log.run, signal)) last = type;
    expect(last).toBe('ended');
  },
);
