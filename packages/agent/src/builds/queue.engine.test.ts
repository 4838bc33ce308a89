import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildRun } from '@towline/core/build';
import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BuildsOnEngine, SERVICE } from './builds-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
let on: BuildsOnEngine;

beforeEach(async () => {
  on = await BuildsOnEngine.start(hosts.a, registry, { cap: 2 });
});
afterEach(() => on.close());

/** DOWNLOAD alone: a run that takes a moment. */
const quick = { only: 'download' } as const;
const named = (name: string) => on.definition({ name, image: { name: on.image(name), version: '1.0.0' } });

test('one run of a build at a time, and no more of all than the cap', async () => {
  const held = await on.holding('build');
  const build = (name: string) => ({
    ...held.definition,
    name,
    image: { ...held.definition.image, name: on.image(name) },
  });
  const queued = async (name: string) => {
    const begun = await on.builds.run(on.input(build(name)));
    if (!begun.ok) throw new Error(begun.error.message);
    return begun.value;
  };
  const a1 = await queued('a');
  const a2 = await queued('a');
  const b1 = await queued('b');
  const c1 = await queued('c');
  expect(a1.queue).toBeUndefined();
  expect(a2.queue).toEqual({ position: 1, reason: `${a1.tag} of the same build runs` });
  expect(b1.queue).toBeUndefined();
  expect(c1.queue).toEqual({ position: 2, reason: 'the agent runs 2 builds at once' });
  expect(on.builds.activeCount()).toBe(4);
  await held.held(a1.runId);
  await held.held(b1.runId);
  const state = async (id: string) => (await on.builds.get(id))?.state;
  expect([await state(a2.runId), await state(c1.runId)]).toEqual(['QUEUED', 'QUEUED']);
  const clean = { service: SERVICE, build: 'c', what: ['source' as const], operator: 'tester' };
  expect(await on.builds.clean(clean)).toMatchObject({
    ok: false,
    error: { code: 'refused', refusal: { code: 'build-running' } },
  });
  // One that waits is cancelled before it began.
  await on.builds.cancel(a2.runId, 'tester');
  expect(await on.ended(a2.runId)).toMatchObject({ state: 'CANCELLED' });
  await on.builds.cancel(a1.runId, 'tester');
  await held.held(c1.runId);
  expect(await state(c1.runId)).toBe('RUNNING');
  for (const { runId } of [b1, c1]) await on.builds.cancel(runId, 'tester');
  for (const { runId } of [b1, c1]) await on.ended(runId);
  expect(on.builds.activeCount()).toBe(0);
});

test('a repeated key answers with the run that it started, also after a restart', async () => {
  const input = on.input(on.definition(), quick);
  const [first, second] = await Promise.all([on.builds.run(input), on.builds.run(input)]);
  if (!first.ok) throw new Error(first.error.message);
  expect(first.value).toMatchObject({ number: 1, repeated: false });
  expect(second).toMatchObject({ ok: true, value: { runId: first.value.runId, number: 1, repeated: true } });
  await on.ended(first.value.runId);
  await on.restart();
  expect(await on.builds.run(input)).toMatchObject({ value: { runId: first.value.runId, repeated: true } });
  expect(await on.run(on.definition(), quick)).toMatchObject({ number: 2 });
});

test('numbers are counted by build, without gaps, over versions, restarts and what was pruned', async () => {
  await on.restart({ historyLimit: 2 });
  const many = await Promise.all(
    Array.from({ length: 5 }, () => on.builds.run(on.input(on.definition(), quick))),
  );
  expect(many.map((begun) => begun.ok && begun.value.number)).toEqual([1, 2, 3, 4, 5]);
  const last = many.at(-1);
  if (last?.ok !== true) throw new Error('not begun');
  await on.ended(last.value.runId);
  expect(await on.run(named('other'), quick)).toMatchObject({ number: 1 });
  await on.restart({ historyLimit: 2 });
  await vi.waitFor(() => expect(on.builds.runs({ limit: 10 }).runs).toHaveLength(2));
  const { everRun } = on.builds.runs({ service: SERVICE, build: 'storefront', limit: 10 });
  expect(everRun).toBe(5);
  const base = on.definition();
  const next = await on.run({ ...base, image: { ...base.image, version: '2.0.0' } }, quick);
  expect(next.tag).toBe('2.0.0.B000006');
});

test('a number that nobody was told of is not left out, and one whose journal is damaged is not used again', async () => {
  await on.run(on.definition(), quick);
  await on.run(on.definition(), quick);
  await on.builds.close();
  const folder = join(on.stateDir, 'builds', 'shop%2Fstorefront');
  // As a kill before, and in, the first write leaves it.
  await writeFile(join(folder, '000003.ndjson'), '{"seq":1,"type":"queu');
  await on.restart();
  expect(await readdir(folder)).not.toContain('000003.ndjson');
  expect(await on.run(on.definition(), quick)).toMatchObject({ number: 3 });
  await on.builds.close();
  await writeFile(join(folder, '000003.ndjson'), 'not a journal\n');
  await on.restart();
  expect(on.builds.problems()).toEqual([expect.stringContaining('000003.ndjson')]);
  expect(await on.run(on.definition(), quick)).toMatchObject({ number: 4 });
});

test('a run with an event that only a newer agent knows is read to its end', async () => {
  const { id } = await on.run(on.definition(), quick);
  await on.builds.close();
  const journal = join(on.stateDir, 'builds', 'shop%2Fstorefront', '000001.ndjson');
  const lines = (await readFile(journal, 'utf8')).split('\n');
  const newer = { type: 'paused', seq: 2, at: new Date().toISOString(), why: 'a reason' };
  await writeFile(journal, [lines[0], JSON.stringify(newer), ...lines.slice(1)].join('\n'));
  await on.restart();
  expect(await on.builds.get(id)).toMatchObject({ state: 'DONE' });
  expect(on.builds.problems()).toEqual([]);
});

test('the watch’s snapshot and changes, and pages of the history', async () => {
  const changes: BuildRun[] = [];
  const stop = on.builds.onRun((run) => changes.push(run));
  const runs = [await on.run(on.definition(), quick), await on.run(on.definition(), quick)];
  stop();
  expect(changes.map(({ lastSeq }) => lastSeq).slice(0, 3)).toEqual([1, 2, 3]);
  expect(changes.every(({ vertices }) => vertices.length === 0)).toBe(true);
  expect(on.builds.recent().map(({ number }) => number)).toEqual([2, 1]);
  expect(on.builds.runs({ limit: 1 })).toMatchObject({ runs: [{ number: 2 }], more: true });
  const before = runs[1]?.id;
  expect(on.builds.runs({ limit: 1, before })).toMatchObject({ runs: [{ number: 1 }], more: false });
  expect(on.builds.runs({ limit: 5, service: 'other' }).runs).toEqual([]);
});

test('the oldest logs go first, and their runs stay', async () => {
  const first = await on.run(on.definition(), quick);
  await on.restart({ logLimits: { maxAgeMs: 0, maxBytes: 0 } });
  expect(await on.builds.log({ run: first.id, step: 'download', at: 'end', limit: 10 })).toMatchObject({
    ok: false,
    error: { code: 'not-found', message: expect.stringContaining('not kept any more') },
  });
  expect(await on.builds.get(first.id)).toMatchObject({ state: 'DONE' });
});

test('a log that was torn by a kill is there to its last byte', async () => {
  const run = await on.run(on.definition(), quick);
  const path = join(on.stateDir, 'logs', 'shop%2Fstorefront', '000001', 'download.log');
  const whole = (await on.lines(run.id, 'download')).join('\n');
  await truncate(path, Buffer.byteLength(whole) - 3);
  await rm(`${path}.index`, { force: true });
  await on.restart();
  expect((await on.lines(run.id, 'download')).join('\n')).toBe(whole.slice(0, -3));
});
