import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type BuildPlace, createBuildPlace } from './build-place.ts';
import { TOWLINE } from './towline-process.ts';

let place: BuildPlace;
let front: string;
let frontToo: string;
let commits = 0;

beforeAll(async () => {
  place = await createBuildPlace();
  await place.downloadOverHttp();
  front = `web/${place.nameOf('front')}`;
  frontToo = `shop/${place.nameOf('front-too')}`;
  // What runs before anything of this.
  const ran = await place.run('batch', '--yes', '--set', `${front}=build`, '--set', `${frontToo}=build`);
  expect(ran).toMatchObject({ code: 0 });
});
afterAll(() => place.close());

/** Every build from here on gets no further than its download until `git.release()`. */
beforeEach(async () => {
  commits += 1;
  await place.repository.commit({ message: `Paint it ${commits}`, files: { page: `${commits}\n` } });
  place.git.hold(0);
});

interface Job {
  id: string;
  server: string;
  state: string;
  tasks: { to: { tag: string } }[];
  steps: { name: string; state: string }[];
  refusal?: { code: string; message: string };
}

/** Follows a job to its end: what it came to, and how following it ended. */
async function ended(id: string): Promise<{ code: number; job: Job }> {
  const { code } = await place.run('job', id, '--follow');
  return { code, job: Object((await place.run('job', id, '--json')).json()) };
}

/** The job that runs on a server now, where it has begun with its first step. */
async function runningOn(server: string): Promise<Job | undefined> {
  const { jobs } = Object((await place.run('jobs', '--json')).json());
  return jobs.find(({ server: its, steps }: Job) => its === server && steps[0]?.state === 'RUNNING');
}

/** Begins a command, and kills it as soon as a job of its waits for its build. */
async function killedWhileBuilding(...words: string[]): Promise<{ job: Job; said(): string }> {
  const child = spawn(process.execPath, [TOWLINE, ...words], {
    cwd: place.dir,
    env: place.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const closed = once(child, 'close');
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  try {
    const job = await vi.waitUntil(() => runningOn('web'), { timeout: 40_000 });
    expect(job.steps[0]?.name).toBe(`wait for the build of ${place.nameOf('front')}`);
    return { job, said: () => said };
  } finally {
    child.kill('SIGKILL');
    await closed;
  }
}

test('whoever began it is killed during the build: the job ends with the new image', async () => {
  const before = await place.runs('a', 'front');
  const { job } = await killedWhileBuilding('execute', front, '--build', '--confirm');
  expect(await place.runs('a', 'front')).toBe(before);
  place.git.release();
  expect(await ended(job.id)).toMatchObject({ code: 0, job: { state: 'DONE' } });
  const tag = job.tasks[0]?.to.tag;
  expect(await place.runs('a', 'front')).toBe(tag);
  expect(tag).not.toBe(before);
  expect(await place.hosts.a.docker('exec', place.nameOf('front'), 'cat', '/page')).toBe(`${commits}\n`);
});

test('of a batch, what another agent builds has to be carried there: it says so before, and is not deployed', async () => {
  const before = await place.runs('b', 'front-too');
  const words = ['batch', '--yes', '--set', `${front}=build`, '--set', `${frontToo}=build`];
  const { job, said } = await killedWhileBuilding(...words);
  expect(said()).toContain(
    "shop is deployed from here when storefront is built: its agent beta can't wait for a build on alpha. Keep this command running.",
  );
  expect(said()).not.toContain('web is deployed from here');
  expect(await runningOn('shop')).toBeUndefined();
  place.git.release();
  expect((await place.run('job', job.id, '--follow')).code).toBe(0);
  expect(await place.runs('a', 'front')).toBe(job.tasks[0]?.to.tag);
  expect(await place.runs('b', 'front-too')).toBe(before);
});

test('--detach leaves the build and the deploy to the agent', async () => {
  const ran = await place.run('execute', front, '--build', '--confirm', '--detach');
  expect(ran).toMatchObject({ code: 0 });
  await expect.poll(async () => (await runningOn('web'))?.id).toBe(ran.stdout);
  expect(ran.stderr).toMatch(/storefront: the run 1\.4\.0\.B\d{6} goes on/);
  place.git.release();
  const { code, job } = await ended(ran.stdout);
  expect([code, job.state]).toEqual([0, 'DONE']);
  expect(job.steps[0]).toMatchObject({
    name: `wait for the build of ${place.nameOf('front')}`,
    state: 'DONE',
  });
  expect(await place.runs('a', 'front')).toBe(`1.4.0.B${String(commits + 1).padStart(6, '0')}`);
});

test('an agent that is killed while it waits: the run is cut off, the job is refused by that, and the old one serves', async () => {
  const before = await place.runs('a', 'front');
  const { job } = await killedWhileBuilding('execute', front, '--build', '--confirm');
  await place.agents.alpha.stop('SIGKILL');
  await place.restartAlpha();
  place.git.release();
  const { code, job: refused } = await ended(job.id);
  expect([code, refused.state, refused.refusal?.code]).toEqual([3, 'REFUSED', 'build-failed']);
  expect(refused.refusal?.message).toContain(`The build storefront (${job.tasks[0]?.to.tag}) failed`);
  expect(refused.refusal?.message).toContain('The agent stopped');
  expect(refused.refusal?.message).toContain('Nothing was deployed on web: what runs there keeps running.');
  expect(await place.runs('a', 'front')).toBe(before);
  // The server is free again.
  expect((await place.run('execute', front, '--build', '--confirm')).code).toBe(0);
});
