import { randomBytes } from 'node:crypto';
import { rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createGitRepository,
  createSandbox,
  fillDisk,
  type GitRepository,
  type Host,
  mountSmallDisk,
  pushStandardImages,
  type RunningAgentProcess,
  type Sandbox,
  startAgent,
} from '@towline/test/sandbox';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type CliPlace, createPlace } from '../cli/towline-process.ts';

const MB = 1024 * 1024;
const DISK = 160 * MB;
/** More than the engine and the agent write on the way. */
const ROOM = 12 * MB;

let place: CliPlace;
let sandbox: Sandbox;
/** Its engine's images and containers, and the agent's state, are on one small disk. */
let host: Host;
let disk: string;
let agent: RunningAgentProcess;
let repository: GitRepository;
let serving: string;

beforeAll(async () => {
  place = await createPlace();
  sandbox = await createSandbox({});
  disk = join(sandbox.dir, 'f');
  await mountSmallDisk(disk, DISK);
  host = await sandbox.createHost('f');
  await pushStandardImages(sandbox);
  agent = await startAgent({ host, dir: join(disk, 'agent') });
  repository = await createGitRepository(join(place.dir, 'storefront.git'));
  await commit({ page: 'one\n' });
  await defineBuild({});
  const ran = await place.run('execute', 'web', '--build', '--confirm');
  expect(ran.code, ran.stderr).toBe(0);
  serving = await container();
  expect(serving).toMatch(/ true\n$/);
});

afterEach(async () => {
  await rm(filler(), { force: true });
});

afterAll(async () => {
  await agent?.stop();
  await sandbox?.close();
  await place.close();
});

const filler = () => join(disk, 'filler');
const base = () => `${sandbox.registry.host}/test/faulty:ok`;

async function commit(files: Record<string, string | Uint8Array>): Promise<void> {
  await repository.commit({ files: { Dockerfile: `FROM ${base()}\nCOPY page /page\n`, ...files } });
}

/** The map, with a build that has this in it as well. */
async function defineBuild(more: { command?: object; image?: object }): Promise<void> {
  const { command, image } = more;
  const name = `${sandbox.registry.host}/shop/front`;
  const front = { name: 'front', build: 'storefront', settle: 0, run: {} };
  await place.writeMap({
    agents: { alpha: { url: `unix://${agent.socket}` } },
    services: {
      shop: {
        builds: {
          storefront: {
            source: { git: repository.url, ref: 'main' },
            ...(command && { command }),
            image: { name, version: '1.0.0', ...image },
            agent: 'alpha',
          },
        },
        maps: { demo: { servers: { web: { agent: 'alpha', containers: [front] } } } },
      },
    },
  });
}

async function container(): Promise<string> {
  return await host.docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}} {{.State.Running}}', 'front');
}

async function free(): Promise<number> {
  const { bavail, bsize } = await statfs(disk);
  return bavail * bsize;
}

const fill = (leave: number) => fillDisk(filler(), leave);

interface Row {
  step: 'DOWNLOAD' | 'BUILD' | 'CREATE IMAGE';
  source?: Record<string, Uint8Array>;
  build?: Parameters<typeof defineBuild>[0];
}

test.each<[string, () => Row]>([
  ['the source does not fit', () => ({ step: 'DOWNLOAD', source: { large: randomBytes(2 * ROOM) } })],
  [
    'what the command makes does not fit',
    () => ({
      step: 'BUILD',
      build: {
        command: { image: base(), run: 'dd if=/dev/zero of=made bs=1M count=64' },
      },
    }),
  ],
  [
    'what the Dockerfile makes does not fit',
    () => ({
      step: 'CREATE IMAGE',
      build: {
        image: {
          dockerfile_inline: `FROM ${base()}\nCOPY page /page\nRUN dd if=/dev/zero of=/made bs=1M count=64\n`,
        },
      },
    }),
  ],
])('%s on the disk: that is the reason, nothing is deployed, and there is room as before', async (_, of) => {
  const { step, source = {}, build = {} } = of();
  await commit({ page: 'two\n', ...source });
  await defineBuild(build);
  await fill(ROOM);
  const before = await free();
  const ran = await place.run('execute', 'web', '--build', '--confirm', '--json');
  expect(ran.stderr).toMatch(new RegExp(`storefront: failed in ${step}: .*disk is full`, 's'));
  expect(ran.stderr).toMatch(/free some space|make room/i);
  expect(ran.code).toBe(3);
  const {
    builds: [run],
  } = JSON.parse(ran.stdout);
  expect(run).toMatchObject({ state: 'ERROR', error: { code: 'disk-full' } });
  expect(await container()).toBe(serving);
  expect(await host.docker('ps', '-a', '--format', '{{.Names}}')).toBe('front\n');
  expect(await host.docker('images', '-aq', '--filter', `label=io.towline.image.run=${run.id}`)).toBe('');
  // The engine gives back what it took when it comes to it.
  await expect.poll(async () => before - (await free())).toBeLessThan(MB);
  const log = await place.run('build', 'log', 'storefront');
  expect(log.stdout).toMatch(/^ERROR: .*/m);
  expect(log.stdout).toMatch(/disk is full/);
  await commit({ page: 'two\n', ...Object.fromEntries(Object.keys(source).map((name) => [name, ''])) });
});

test('where nothing can be written down any more, nothing is deployed, and the agent says what to do', async () => {
  await defineBuild({});
  const second = await place.run('execute', 'web', '--build', '--confirm', '--json');
  expect(second.code, second.stderr).toBe(0);
  serving = await container();
  for (const choice of [
    ['--build', '--confirm'],
    ['--designated', '1.0.0.B000001'],
  ]) {
    await fill(0);
    const ran = await place.run('execute', 'web', ...choice);
    expect(ran.stderr).toMatch(
      /disk of the agent's state folder is full\. Nothing was begun\. Free some space on/,
    );
    expect(ran.code).toBe(1);
    expect(await container()).toBe(serving);
    await rm(filler());
  }
  // It has not ended by its own log, which was on that disk as well; and no number was left out.
  const next = await place.run('build', 'run', 'storefront', '--json');
  expect(next.json()).toMatchObject({ state: 'DONE' });
  const { runs } = Object((await place.run('build', 'list', 'storefront', '--json')).json());
  const numbers = runs.map((run: { number: number }) => run.number);
  expect(numbers).toEqual(numbers.map((_: number, at: number) => numbers.length - at));
  expect((await place.run('execute', 'web', '--designated', '1.0.0.B000001')).code).toBe(0);
});
