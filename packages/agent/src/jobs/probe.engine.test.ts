import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Probe } from '@towline/core/protocol';
import { type RunningAgentProcess, sharedSandbox, startAgent } from '@towline/test/sandbox';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { dial } from './dial-agent.ts';
import { type Chosen, FAILS, ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.b;
const gateway = `${registry}/shop/gateway`;
const faulty = `${registry}/test/faulty`;
/** Of this test alone on its host. */
const PORT = 18_471;
/** For names and requests; its jobs are not used: they are those of an agent in its engine's network. */
let on: ServiceOnEngine;
let dir: string;
let agent: RunningAgentProcess;
let link: ReturnType<typeof dial>;

beforeAll(async () => {
  // A pull tells of itself as a check does.
  await host.docker('pull', '--quiet', `${gateway}:1.1.0`);
  dir = await mkdtemp(join(tmpdir(), 'tl-p-'));
  agent = await startAgent({ host, dir, inside: true });
  link = dial(agent.socket);
});
afterAll(async () => {
  await link?.close();
  await agent?.stop('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  on = await ServiceOnEngine.start(host);
});
afterEach(() => on.close());

/** Nobody knows when it listens: what is to pass has its time for that. */
const FAST = { intervalMs: 100, timeoutMs: 5_000, startPeriodMs: 60_000, retries: 2 };
const get = (path = '/', port = 8080): Probe => ({
  check: { kind: 'http', path, port, statuses: [[200, 399]] },
  ...FAST,
});
const tcp = (port = 8080): Probe => ({ check: { kind: 'tcp', port }, ...FAST });

interface Case {
  /** Words for `docker run`, and for the shell in it in place of its image's command. */
  words?: string[];
  script?: string;
  from?: string;
  to?: string;
  settle?: number;
  probe: Probe;
  /** Done while the job runs. */
  meanwhile?: (job: string) => Promise<void>;
}

async function exchange({
  words = [],
  script,
  from = `${gateway}:1.0.0`,
  to = `${gateway}:1.1.0`,
  settle = 1,
  probe,
  meanwhile,
}: Case) {
  const name = on.name('web');
  const command = script === undefined ? [] : ['sh', '-c', script];
  await host.docker('run', '--detach', '--name', name, ...words, from, ...command);
  const before = await on.inspect(name);
  const [image = '', tag = ''] = to.split(/:(?=[^:]*$)/);
  const chosen: Chosen = { container: name, image, tag, more: { settle, probe } };
  const { jobId } = await link.client.execute.mutate(on.input([chosen]));
  await meanwhile?.(jobId);
  const job = await link.ended(jobId);
  const gate = job.steps.find(({ kind }) => kind === 'gate');
  const now = await on.inspect(name);
  expect(now.State.Running).toBe(true);
  // Nothing else than the two endings, whatever comes before.
  expect(now.Id === before.Id).toBe(job.state !== 'DONE');
  return { name, job, gate };
}

test('it answers: the rule and what was answered are told', async () => {
  const { gate, job } = await exchange({ words: ['--publish', '8080'], probe: get() });
  expect(job.state).toBe('DONE');
  expect(gate).toMatchObject({
    state: 'DONE',
    detail: 'asks GET :8080/ every 0.1 s; 2 failures in a row are too many, after its first 60 s',
    message: 'GET :8080/: 200',
  });
});

/** It listens once it is told to. */
const WAITING = `trap "exit 0" TERM; until [ -e /tmp/go ]; do sleep 0.1; done; httpd -f -p ${PORT} -h /www & wait`;
const letGo = (job: string) => host.docker('exec', `${on.name('web')}.next.${job}`, 'touch', '/tmp/go');

test('it takes a while to answer: what was seen on the way is told', async () => {
  const meanwhile = async (job: string) => {
    await link.reaches(job, 'step-progress');
    await letGo(job);
  };
  const { gate, job } = await exchange({ script: WAITING, probe: get('/', PORT), meanwhile });
  expect(job.state).toBe('DONE');
  expect(gate?.message).toBe(`GET :${PORT}/: 200`);
  expect(gate?.progress?.current).toBeGreaterThan(0);
  expect(gate?.progress?.detail).toBe('last: connection refused, not counted in its first 60 s');
});

test.each<[string, Case, string, string]>([
  [
    'nobody listens, though its port is published',
    { words: ['--publish', '8080'], to: `${faulty}:ok2`, probe: { ...tcp(), startPeriodMs: 0 } },
    'probe-failed',
    'TCP :8080 failed 2 times in a row, last: connection refused',
  ],
  [
    'it ends first',
    { from: `${faulty}:ok`, to: `${faulty}:exits-later`, probe: tcp() },
    'exited',
    'it ended with code 7',
  ],
])('restored: %s', async (_, given, code, message) => {
  const { job } = await exchange(given);
  expect(job).toMatchObject({
    state: 'RESTORED',
    error: { code, message: expect.stringContaining(message) },
  });
});

test('restored: another status', async () => {
  // By one that listens already: what it is asked first counts.
  const other = on.name('other');
  await host.docker('run', '--detach', '--name', other, `${gateway}:1.0.0`);
  await on.page(other);
  const { job } = await exchange({
    words: ['--network', `container:${other}`],
    from: `${faulty}:ok`,
    to: `${faulty}:ok2`,
    probe: { ...get('/missing'), startPeriodMs: 0 },
  });
  expect(job).toMatchObject({
    state: 'RESTORED',
    error: {
      code: 'probe-failed',
      message: expect.stringContaining('GET :8080/missing failed 2 times in a row, last: 404'),
    },
  });
});

/** The new image has a page to serve; the old one idles. */
const SERVE_NEW = `trap "exit 0" TERM; if [ -e /www ]; then httpd -f -p ${PORT} -h /www & else sleep 1000000 & fi; wait`;

test('on the host’s own network it is asked on the loopback, and has to run on', async () => {
  const given = {
    words: ['--network', 'host'],
    script: SERVE_NEW,
    from: `${faulty}:ok`,
    probe: get('/', PORT),
  };
  const { job, gate } = await exchange(given);
  expect(job.state).toBe('DONE');
  expect(gate?.detail).toContain('has to run for 1 s as well');
});

test('what another answers on the host’s network lets nobody through', async () => {
  const other = on.name('other');
  const serve = ['httpd', '-f', '-p', String(PORT), '-h', '/www'];
  await host.docker('run', '--detach', '--name', other, '--network', 'host', `${gateway}:1.0.0`, ...serve);
  await vi.waitFor(() => host.run('busybox', ['wget', '-q', '-O-', `http://127.0.0.1:${PORT}/`]));
  const given = {
    words: ['--network', 'host'],
    script: SERVE_NEW,
    from: `${faulty}:ok`,
    probe: get('/', PORT),
    ...FAILS,
  };
  const { job } = await exchange(given);
  expect(job).toMatchObject({ state: 'RESTORED', error: { code: 'exited' } });
});

test('in another container’s network it is asked at that one’s address', async () => {
  const other = on.name('other');
  await host.docker('run', '--detach', '--name', other, `${faulty}:ok`);
  const words = ['--network', `container:${other}`];
  const { job, gate } = await exchange({ words, probe: get() });
  expect(job.state).toBe('DONE');
  expect(gate?.message).toBe('GET :8080/: 200');
});

test('one that can’t be asked is refused before anything is touched', async () => {
  const { job } = await exchange({ words: ['--network', 'none'], probe: get() });
  expect(job).toMatchObject({ state: 'REFUSED', refusal: { code: 'probe-unreachable' } });
  expect(job.refusal?.message).toContain("can't be asked GET :8080/: it is on no network");
  expect(job.steps.find(({ kind }) => kind === 'create')?.state).toBe('SKIPPED');
});

test('an agent that is started again goes on asking', async () => {
  const own = await mkdtemp(join(tmpdir(), 'tl-p-'));
  const name = on.name('web');
  await host.docker('run', '--detach', '--name', name, `${gateway}:1.0.0`, 'sh', '-c', WAITING);
  let second = await startAgent({ host, dir: own, inside: true });
  try {
    const probe = get('/', PORT);
    const { jobId } = await using(second, async (link) => {
      const begun = await link.client.execute.mutate(
        on.input([{ container: name, image: gateway, tag: '1.1.0', more: { probe } }]),
      );
      await link.reaches(begun.jobId, 'step-progress');
      return begun;
    });
    await second.stop('SIGKILL');
    second = await startAgent({ host, dir: own, inside: true });
    const job = await using(second, async (link) => {
      // The second of two checks of one job.
      await link.reaches(jobId, 'step-progress', 2);
      await letGo(jobId);
      return await link.ended(jobId);
    });
    expect(job.state).toBe('DONE');
    expect(job.steps.find(({ kind }) => kind === 'gate')).toMatchObject({
      state: 'DONE',
      detail: expect.stringContaining(`asks GET :${PORT}/`),
      message: `GET :${PORT}/: 200`,
    });
  } finally {
    await second.stop('SIGKILL');
    await rm(own, { recursive: true, force: true });
  }
});

async function using<T>(
  { socket }: RunningAgentProcess,
  use: (link: ReturnType<typeof dial>) => Promise<T>,
): Promise<T> {
  const own = dial(socket);
  try {
    return await use(own);
  } finally {
    await own.close();
  }
}
