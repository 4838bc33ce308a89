import { randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUILD_STEP_KINDS, type BuildStepKind, buildStepName } from '@towline/core/build';
import {
  createGitServers,
  type GitHttpServer,
  type GitServers,
  serveHostRegistry,
} from '@towline/test/sandbox';
import { openTerminal, type Terminal } from '@towline/test/terminal';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { type BuildPlace, createBuildPlace } from '../cli/build-place.ts';
import { TOWLINE } from '../cli/towline-process.ts';
import { filterTo } from '../filter-to.ts';

/** Found in a process' command line, and in no other test's. */
const SECONDS = 100_000 + randomInt(900_000);
/** More than a page of a log, and then no more. */
const HELD = `i=0; while [ $i -lt 1500 ]; do i=$((i+1)); echo said $i; done; sleep ${SECONDS}`;

let place: BuildPlace;
let servers: GitServers;
let git: GitHttpServer;
let registry: Awaited<ReturnType<typeof serveHostRegistry>>;
let front: string;
let original: string;
/** The container that serves. */
let serving: string;

beforeAll(async () => {
  place = await createBuildPlace();
  servers = await createGitServers();
  front = `web/${place.nameOf('front')}`;
  original = await readFile(place.mapFile, 'utf8');
  const deployed = await place.run('execute', front, '--build', '--confirm');
  expect(deployed.code, deployed.stderr).toBe(0);
  serving = await container();
  expect(serving).toMatch(/ true\n$/);
  const repository = await servers.repository('storefront');
  // The server is held in the middle of it.
  const files = { Dockerfile: place.dockerfile(), page: 'one\n', large: randomBytes(500_000) };
  await repository.commit({ files });
  git = await servers.http();
  registry = await serveHostRegistry(place.hosts.a, { storage: await mkdtemp(join(place.dir, 'other-')) });
});

afterAll(async () => {
  await registry?.close();
  await servers?.close();
  await place?.close();
});

async function container(): Promise<string> {
  const format = '{{.Id}} {{.State.StartedAt}} {{.State.Running}}';
  return await place.hosts.a.docker('inspect', '--format', format, place.nameOf('front'));
}

async function listed(...words: string[]): Promise<string[]> {
  return (await place.hosts.a.docker(...words)).split('\n').filter(Boolean);
}

/** What runs of the agent's: git, and what was held. */
async function processes(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    const ours = environment.includes(`TOWLINE_SOURCE=${place.dir}`);
    if (ours || words.includes(`sleep\0${SECONDS}`)) found.push(words.replaceAll('\0', ' '));
  }
  return found;
}

/** A command that goes on, with what it has said so far. */
function begin(...words: string[]) {
  const child = execa(process.execPath, [TOWLINE, ...words], {
    cwd: place.dir,
    env: place.env,
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk) => {
      said[stream] += String(chunk);
    });
  }
  const says = (stream: keyof typeof said, text: string) =>
    vi.waitUntil(() => said[stream].includes(text), { timeout: 30_000 });
  return { ended: child, said, says };
}

/** How a step is held in the middle of it, and the last line of its log by then. */
const HOLDS: Record<BuildStepKind, { hold(build: BuildInMap): void; last: string; release(): void }> = {
  download: {
    hold(build) {
      // All other answers are shorter.
      git.hold(50_000);
      build.source.git = git.url('storefront');
    },
    last: 'Fetching ',
    release: () => git.release(),
  },
  build: {
    hold(build) {
      build.command = { image: `${place.registry}/test/faulty:ok`, run: HELD };
    },
    last: 'said 1500',
    release: () => {},
  },
  'create-image': {
    hold(build) {
      build.image.dockerfile_inline = place.dockerfile(`RUN ${HELD}`);
    },
    last: 'said 1500',
    release: () => {},
  },
  push: {
    hold: () => void process.kill(registry.pid, 'SIGSTOP'),
    last: 'Pushing ',
    release: () => void process.kill(registry.pid, 'SIGCONT'),
  },
};

interface BuildInMap {
  source: { git: string; ref: string };
  command?: object;
  image: { name: string; version: string; dockerfile_inline?: string };
}

/** A dashboard that looks at the log of the run. */
async function watch(file: string): Promise<Terminal> {
  const args = [TOWLINE, '--file', file];
  const size = { cols: 160, rows: 40 };
  const terminal = openTerminal({ command: process.execPath, args, cwd: place.dir, env: place.env, ...size });
  onTestFinished(() => terminal.close());
  await terminal.waitFor('? Help');
  await filterTo(terminal, place.nameOf('front'));
  await terminal.waitFor(/▸ +clib-.*◐ RUNNING/);
  terminal.press('L');
  await terminal.waitFor('● following');
  return terminal;
}

/** A map file with a build of its own for the container, and the container's build is that one. */
async function mapWith(build: string, change: (build: BuildInMap) => void): Promise<string> {
  const map = parse(original);
  const { builds, maps } = map.services.shop;
  const definition = { ...builds.storefront, image: { name: `${registry.host}/${build}`, version: '2.0.0' } };
  builds[build] = definition;
  change(definition);
  maps.demo.servers.web.containers.find(({ name }: { name: string }) => front.endsWith(name)).build = build;
  const file = join(place.dir, `${build}.yaml`);
  await writeFile(file, stringify(map));
  return file;
}

test.each(BUILD_STEP_KINDS)('an agent that is killed in %s: the run is over, and says so', async (step) => {
  const { hold, last, release } = HOLDS[step];
  const build = `killed-${step}-${place.dir.slice(-6).toLowerCase()}`;
  const file = await mapWith(build, hold);
  const executes = begin('execute', front, '--build', '--confirm', '--json', '--file', file);
  await executes.says('stderr', 'is queued');
  const follows = begin('build', 'log', build, '--follow', '--step', step, '--file', file);
  await follows.says('stdout', last);
  const watched = await watch(file);
  await watched.waitFor(`  ${last}`);
  if (step === 'download') await git.held();

  await place.agents.alpha.stop('SIGKILL');
  await place.restartAlpha();
  const [executed, followed] = await Promise.all([executes.ended, follows.ended]);
  release();

  const reason = `The agent stopped during ${buildStepName(step)} of 2.0.0.B000001. Run the build again.`;
  expect(executed.stderr).toContain('The link to the agent alpha is lost');
  expect(executed.stderr).toContain(`${build}: failed in ${buildStepName(step)}: ${reason}`);
  expect(executed.stderr).toContain('Nothing was deployed on web: what runs there keeps running.');
  expect(executed.exitCode).toBe(3);
  const {
    builds: [run],
  } = JSON.parse(executed.stdout);
  expect(run).toMatchObject({ state: 'ERROR', number: 1, error: { code: 'interrupted', message: reason } });
  expect(await container()).toBe(serving);

  // To the last line, once each, and then the truth: whoever followed it, and whoever looks at it afterwards.
  const log = await place.run('build', 'log', build, '--step', step, '--file', file);
  const lines = log.stdout.split('\n');
  expect(lines.at(-1)).toBe(`ERROR: ${reason}`);
  if (last === 'said 1500') {
    const numbered = Array.from({ length: 1500 }, (_, at) => `said ${at + 1}`);
    expect(lines.filter((line) => line.startsWith('said '))).toEqual(numbered);
    expect(lines.at(-2)).toBe(last);
  }
  expect(followed.stdout).toBe(log.stdout);
  expect(followed.stderr).toContain(`${build}: failed in ${buildStepName(step)}: ${reason}`);
  expect(followed.exitCode).toBe(3);

  await watched.waitFor('✗ ERROR');
  await watched.waitFor(`  ERROR: ${reason}`);

  await vi.waitFor(
    async () => {
      expect(await processes()).toEqual([]);
      expect(await listed('ps', '-aq', '--filter', `label=io.towline.build=${run.id}`)).toEqual([]);
      expect(await listed('images', '-aq', '--filter', `label=io.towline.image.run=${run.id}`)).toEqual([]);
    },
    { timeout: 20_000, interval: 100 },
  );

  await mapWith(build, () => {});
  const next = await place.run('build', 'run', build, '--only', 'download', '--json', '--file', file);
  expect(next.json()).toMatchObject({ number: 2, tag: '2.0.0.B000002', state: 'DONE' });
});
