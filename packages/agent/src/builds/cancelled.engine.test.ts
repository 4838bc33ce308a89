import { BUILD_STEP_KINDS, buildStepName } from '@towline/core/build';
import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BuildsOnEngine } from './builds-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
let on: BuildsOnEngine;

beforeEach(async () => {
  on = await BuildsOnEngine.start(hosts.b, registry);
});
afterEach(() => on.close());

test.each(BUILD_STEP_KINDS)('a run that is cancelled in %s ends there and leaves nothing', async (step) => {
  const { definition, held } = await on.holding(step);
  const id = await on.begin(definition);
  await held(id);
  expect(await on.builds.cancel(id, 'another')).toEqual({ ok: true, value: undefined });
  const run = await on.ended(id);
  expect(run).toMatchObject({ state: 'CANCELLED', cancelledBy: 'another' });
  expect(run.error).toBeUndefined();
  const cancelled = run.steps.findIndex(({ kind }) => kind === step);
  expect(run.steps.map(({ state }) => state)).toEqual(
    run.steps.map((_, at) => (at < cancelled ? 'DONE' : at === cancelled ? 'CANCELLED' : 'WAIT')),
  );
  expect((await on.lines(id, step)).at(-1)).toMatch(/was cancelled/);
  expect(await on.left()).toEqual({ containers: [], images: [] });
  expect(await on.heldProcesses()).toEqual([]);
  expect(await on.builds.cancel(id, 'another')).toMatchObject({ ok: false, error: { code: 'bad-request' } });
  // Nothing of it stands in the way of the next one.
  if (step !== 'push') expect(await on.run()).toMatchObject({ state: 'DONE', number: 2 });
});

test.each(BUILD_STEP_KINDS)('an agent that ends in %s ends its run first, as interrupted', async (step) => {
  const { definition, held } = await on.holding(step);
  const id = await on.begin(definition);
  await held(id);
  const waiting = await on.begin(definition);
  await on.restart();
  const message = expect.stringContaining(`The agent stopped during ${buildStepName(step)} of`);
  const run = await on.builds.get(id);
  expect(run).toMatchObject({ state: 'ERROR', error: { code: 'interrupted', message } });
  expect(run?.steps.find(({ kind }) => kind === step)).toMatchObject({ state: 'ERROR', error: { message } });
  expect((await on.lines(id, step)).at(-1)).toBe(`ERROR: ${run?.error?.message}`);
  expect(await on.builds.get(waiting)).toMatchObject({ state: 'ERROR', error: { code: 'interrupted' } });
  expect(await on.left()).toEqual({ containers: [], images: [] });
  expect(await on.heldProcesses()).toEqual([]);
});
