import { spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type SeverableWay, wayTo } from '../severable-way.ts';
import { type BuildPlace, createBuildPlace } from './build-place.ts';
import { TOWLINE } from './towline-process.ts';

let place: BuildPlace;
let original: string;

beforeAll(async () => {
  place = await createBuildPlace();
  original = await readFile(place.mapFile, 'utf8');
});

afterAll(() => place.close());

/** A way to the agent that can be cut. */
async function way(): Promise<SeverableWay> {
  const made = await wayTo(place.agents.alpha.socket, join(place.dir, 'way.sock'));
  onTestFinished(() => made.close());
  return made;
}

/** \`towline build log storefront --follow\` as a program, and what it has written so far. */
function followLog() {
  const child = spawn(
    process.execPath,
    [TOWLINE, 'build', 'log', 'storefront', '--follow', '--step', 'build'],
    {
      cwd: place.dir,
      env: place.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      said[stream] += chunk;
    });
  }
  const closed = once(child, 'close').then(([code]) => code);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return {
    said,
    closed,
    waitFor: (stream: 'stdout' | 'stderr', wanted: string) =>
      vi.waitUntil(() => said[stream].includes(wanted), { timeout: 20_000 }),
  };
}

/** What the build's command waits for with `until [ -e NAME ]`. */
async function release(name: string): Promise<void> {
  await writeFile(join(place.dir, 'alpha/state/sources/shop%2Fstorefront/files', name), '');
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
  const link = await way();
  const { fleet, log } = await runWith(
    'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); [ $((i % 500)) = 0 ] && sleep 0.05; done',
    link.path,
  );
  const { signal } = new AbortController();
  const seqs: number[] = [];
  const lines: string[] = [];
  let cuts = 0;
  // At any moment of a connection that has brought something: on a busy machine one may not come about in the time between two.
  const cutting = new AbortController();
  const cutter = (async () => {
    for (let brought = 0; !cutting.signal.aborted; ) {
      await sleep(randomInt(150), undefined, { signal: cutting.signal }).catch(() => {});
      if (lines.length === brought || link.cut() === 0) continue;
      brought = lines.length;
      cuts++;
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

test('the command says that its link is lost and back, and prints every line once, also a long one', async () => {
  const link = await way();
  const long = 'x'.repeat(300_000);
  await runWith(
    `rm -f go on; seq 5000; head -c ${long.length} /dev/zero | tr '\\0' x; echo; until [ -e go ]; do sleep 0.1; done; ` +
      'seq 5001 20000; until [ -e on ]; do sleep 0.1; done; seq 20001 20010',
    link.path,
  );
  const { said, closed, waitFor } = followLog();
  await waitFor('stdout', '\n2000\n');
  link.cut();
  await waitFor('stdout', 'xxx\n');
  await link.sever();
  await waitFor('stderr', 'The link to the agent alpha is lost');
  await release('go');
  await link.mend();
  await waitFor('stderr', 'The agent alpha is back.');
  await waitFor('stdout', '\n20000\n');
  link.cut();
  await release('on');
  expect(await closed).toBe(0);
  const lines = said.stdout.split('\n').filter((line) => /^(\d+|x+)$/.test(line));
  const numbers = Array.from({ length: 20_010 }, (_, at) => String(at + 1));
  expect(lines.length).toBe(20_011);
  expect(lines[5_000] === long).toBe(true);
  expect(lines.toSpliced(5_000, 1).every((line, at) => line === numbers[at])).toBe(true);
});

test('the command goes on over an agent that is killed and started again, and ends as the run did', async () => {
  await runWith('seq 700; sleep 600', place.agents.alpha.socket);
  const { said, closed, waitFor } = followLog();
  await waitFor('stdout', '\n700\n');
  await place.agents.alpha.stop('SIGKILL');
  await waitFor('stderr', 'The link to the agent alpha is lost');
  await place.restartAlpha();
  expect(await closed).toBe(3);
  expect(said.stderr).toContain('The agent alpha is back.');
  const lines = said.stdout.split('\n').filter((line) => /^\d+$/.test(line));
  expect(lines).toEqual(Array.from({ length: 700 }, (_, at) => String(at + 1)));
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
