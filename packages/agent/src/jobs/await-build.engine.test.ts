import type { BuildDefinition, BuildRun } from '@towline/core/build';
import type { Job } from '@towline/core/job';
import type { ContainerSpec, ExecuteInput } from '@towline/core/protocol';
import { type GitHttpServer, sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BuildsOnEngine, SERVICE } from '../builds/builds-on-engine.ts';
import { ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.b;
let build: BuildsOnEngine;
let on: ServiceOnEngine;
let git: GitHttpServer;
/** The image that runs before anything is built for a job. */
let before: BuildRun;

beforeEach(async () => {
  build = await BuildsOnEngine.start(host, registry);
  on = await ServiceOnEngine.start(host, { builds: build.builds });
  git = await build.servers.http();
  before = await build.run(definition());
});
afterEach(async () => {
  git.release();
  await on.close();
  await build.close();
});

/** Built from what the server gives out as long as it is not held, and in no registry. */
function definition(change: Partial<BuildDefinition> = {}): BuildDefinition {
  const { command: _, ...rest } = build.definition({
    source: { git: git.url('storefront'), ref: 'main' },
    image: { name: `${build.word}/local`, version: '1.0.0' },
    ...change,
  });
  return rest;
}

function spec(name: string): ContainerSpec {
  return {
    name: on.name(name),
    image: `${build.word}/local`,
    kind: 'built',
    run: {},
    settle: 0,
    build: { name: 'storefront', here: true },
  };
}

function request(container: ContainerSpec, choice: ExecuteInput['choices'][number]['choice']): ExecuteInput {
  const { name } = container;
  return on.input([], {
    service: SERVICE,
    server: name,
    containers: [container],
    choices: [{ container: name, choice }],
  });
}

async function runs(container: ContainerSpec, run: BuildRun): Promise<void> {
  expect(await on.inspect(container.name)).toMatchObject({ Image: run.imageId, State: { Running: true } });
}

/** Deploys what was there before, for each of the containers. */
async function deployed(...containers: ContainerSpec[]): Promise<void> {
  for (const container of containers) {
    const job = await on.ended(await on.begin(request(container, { mode: 'latest' })));
    expect(job.state).toBe('DONE');
    await runs(container, before);
  }
}

/** A run that gets no further than its download until `git.release()`, and a job for each container that waits for it. */
async function waiting(
  ...containers: ContainerSpec[]
): Promise<{ runId: string; tag: string; jobs: string[] }> {
  git.hold(0);
  await build.repository.commit({ message: 'Paint it', files: { page: `${containers.length} painted\n` } });
  const begun = await build.builds.run(build.input(definition()));
  if (!begun.ok) throw new Error(begun.error.message);
  const { runId, tag } = begun.value;
  const jobs: string[] = [];
  for (const container of containers) {
    const id = await on.begin(request(container, { mode: 'build-deploy', confirmed: true, built: tag }));
    jobs.push(id);
    await on.reaches(id, `await-build:${container.name}`);
  }
  return { runId, tag, jobs };
}

const waits = ({ steps }: Job) => steps.filter(({ kind }) => kind === 'await-build');

test('two servers wait for one run, and both deploy what it made', async () => {
  const containers = [spec('web'), spec('shop')];
  await deployed(...containers);
  const { runId, tag, jobs } = await waiting(...containers);
  for (const [at, id] of jobs.entries()) {
    const [container] = containers.slice(at);
    const job = on.jobs.get(id);
    expect(job).toMatchObject({ state: 'RUNNING', tasks: [{ to: { tag }, from: { tag: before.tag } }] });
    // All that is to come is there to be seen.
    expect(job?.steps.at(-1)).toMatchObject({ kind: 'commit', state: 'WAIT' });
    if (container === undefined) throw new Error('there are as many');
    // The server is held meanwhile, as by any job.
    const other = await on.jobs.execute(request(container, { mode: 'latest' }));
    expect(other).toMatchObject({ ok: false, error: { refusal: { code: 'job-running' } } });
    await runs(container, before);
  }
  git.release();
  const run = await build.ended(runId);
  for (const [at, id] of jobs.entries()) {
    const job = await on.ended(id);
    expect(job.refusal ?? job.error).toBeUndefined();
    expect(job).toMatchObject({ state: 'DONE', tasks: [{ to: { tag } }] });
    expect(waits(job)).toMatchObject([{ state: 'DONE', message: tag, detail: tag }]);
    const [container] = containers.slice(at);
    if (container !== undefined) await runs(container, run);
  }
  const steps: unknown[] = [];
  for await (const event of on.events(jobs[0] ?? '')) {
    if (event.type === 'step-progress') steps.push([event.current, event.total, event.detail]);
  }
  expect(steps).toContainEqual([1, 2, 'DOWNLOAD']);
  expect(steps).toContainEqual([2, 2, 'CREATE IMAGE']);
});

test('a run that fails refuses the job by its tag, step and reason, and the old container serves', async () => {
  const web = spec('web');
  await deployed(web);
  const { runId, tag, jobs } = await waiting(web);
  await build.repository.commit({
    message: 'Break it',
    files: { Dockerfile: build.dockerfile('RUN echo the roof is off; exit 3') },
  });
  git.release();
  expect(await build.ended(runId)).toMatchObject({ state: 'ERROR' });
  const job = await on.ended(jobs[0] ?? '');
  expect(job).toMatchObject({ state: 'REFUSED', refusal: { code: 'build-failed', container: web.name } });
  expect(job.refusal?.message).toContain(`The build storefront (${tag}) failed in CREATE IMAGE: `);
  expect(job.refusal?.message).toContain(
    `Nothing was deployed on ${web.name}: what runs there keeps running.`,
  );
  expect(waits(job)).toMatchObject([{ state: 'ERROR' }]);
  expect(job.steps.filter(({ state }) => state === 'SKIPPED').length).toBe(job.steps.length - 1);
  await runs(web, before);
  expect(await on.names()).toEqual([web.name]);
});

test('a run that is cancelled refuses the job; a job that is cancelled leaves the run alone', async () => {
  const containers = [spec('web'), spec('shop')];
  await deployed(...containers);
  const { runId, jobs } = await waiting(...containers);
  const [first = '', second = ''] = jobs;
  expect(await on.jobs.cancel(first, 'ben')).toEqual({ ok: true, value: undefined });
  const cancelled = await on.ended(first);
  expect(cancelled.state).toBe('CANCELLED');
  expect(waits(cancelled)).toMatchObject([
    { state: 'CANCELLED', message: expect.stringContaining('goes on') },
  ]);
  expect(await build.builds.get(runId)).toMatchObject({ state: 'RUNNING' });
  expect(on.jobs.get(second)).toMatchObject({ state: 'RUNNING' });
  await build.builds.cancel(runId, 'bob');
  const refused = await on.ended(second);
  expect(refused).toMatchObject({ state: 'REFUSED', refusal: { code: 'build-failed' } });
  expect(refused.refusal?.message).toContain('was cancelled by bob.');
  for (const container of containers) await runs(container, before);
});

test('what stands against the deploy is said at once, and the run goes on', async () => {
  const { run: _, ...nobodyKnowsHow } = spec('web');
  git.hold(0);
  await build.repository.commit({ message: 'Paint it', files: { page: 'painted\n' } });
  const begun = await build.builds.run(build.input(definition()));
  if (!begun.ok) throw new Error(begun.error.message);
  const choice = { mode: 'build-deploy', confirmed: true, built: begun.value.tag } as const;
  const job = await on.ended(await on.begin(request(nobodyKnowsHow, choice)));
  expect(job).toMatchObject({ state: 'REFUSED', refusal: { code: 'container-missing' } });
  expect(await build.builds.get(begun.value.runId)).toMatchObject({ state: 'RUNNING' });
});

test('what is there when the build is over counts, not what was there before it', async () => {
  const web = spec('web');
  await deployed(web);
  const { jobs } = await waiting(web);
  await host.docker('stop', '--time', '0', web.name);
  git.release();
  const job = await on.ended(jobs[0] ?? '');
  expect(job).toMatchObject({ state: 'REFUSED', refusal: { code: 'server-not-running' } });
  expect(waits(job)).toMatchObject([{ state: 'DONE' }]);
});

test.each([
  ['goes on', false],
  ['made its image meanwhile', true],
])('the next start takes the job up where it waited: the run %s', async (_, over) => {
  const web = spec('web');
  await deployed(web);
  const { runId, jobs } = await waiting(web);
  const [id = ''] = jobs;
  await on.jobs.close();
  expect(on.jobs.get(id)).toMatchObject({ state: 'RUNNING' });
  if (over) {
    git.release();
    await build.ended(runId);
  }
  await on.restart();
  git.release();
  const job = await on.ended(id);
  expect(job.refusal ?? job.error).toBeUndefined();
  expect(job.state).toBe('DONE');
  expect(waits(job)).toMatchObject([{ state: 'DONE' }]);
  await runs(web, await build.ended(runId));
});
