import { copyFile, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGitServers, type GitServers, ONE_USER, serveHostRegistry } from '@towline/test/sandbox';
import { openTerminal } from '@towline/test/terminal';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type BuildPlace, createBuildPlace } from '../cli/build-place.ts';
import { TOWLINE } from '../cli/towline-process.ts';
import { filterTo } from '../filter-to.ts';

/** A secret that the builds here may name, and that nothing may show. */
const VALUE = 'correct-horse-battery-staple';
const closing: (() => Promise<void>)[] = [];

let place: BuildPlace;
let servers: GitServers;
let original: string;
let front: string;
/** The container that serves. */
let serving: object;
/** All that was printed here. */
let said = '';
/** Of each row's own build and map file. */
let rows = 0;

/** Where the rows find what fails. */
const at = { gone: 'http://127.0.0.1:1/storefront.git', wantsPassword: '', strange: '', lockedRegistry: '' };

beforeAll(async () => {
  place = await createBuildPlace();
  closing.push(() => place.close());
  servers = await createGitServers();
  closing.unshift(() => servers.close());
  const repository = await servers.repository('storefront');
  await repository.commit({ files: { Dockerfile: place.dockerfile(), page: 'one\n' } });
  await Promise.all([gitServers(), lockedRegistry(), secret()]);
  original = await readFile(place.mapFile, 'utf8');
  front = `web/${place.nameOf('front')}`;
  const { code, stderr } = await place.run('execute', front, '--build', '--confirm');
  expect(code, stderr).toBe(0);
  serving = await containers();
  expect(serving).toEqual([expect.stringContaining(' running ')]);
});

afterAll(async () => {
  for (const close of closing) await close();
});

async function gitServers(): Promise<void> {
  at.wantsPassword = (await servers.http({ users: { ada: 'another password' } })).url('storefront');
  const ssh = await servers.ssh();
  at.strange = ssh.url('storefront');
  const home = join(place.alphaHome, '.ssh');
  await mkdir(home, { mode: 0o700 });
  await copyFile(ssh.keyFile, join(home, 'id_ed25519'));
  // The key that the agent knows is another one than the server has by now.
  const was = (await readFile(`${ssh.keyFile}.pub`, 'utf8')).trim();
  await writeFile(join(home, 'known_hosts'), `[127.0.0.1]:${ssh.port} ${was}\n`);
}

async function lockedRegistry(): Promise<void> {
  const storage = await mkdtemp(join(place.dir, 'locked-'));
  const path = join(place.dir, 'htpasswd');
  await writeFile(path, ONE_USER);
  const auth = { htpasswd: { realm: 'shop', path } };
  const registry = await serveHostRegistry(place.hosts.a, { storage, auth });
  closing.unshift(() => registry.close());
  at.lockedRegistry = registry.host;
}

async function secret(): Promise<void> {
  const fleet = await place.fleet();
  expect(await fleet.putSecret('alpha', 'shop-token', VALUE)).toMatchObject({ ok: true });
  await fleet.close();
}

/** Every container that has the name of the one that serves in its own, as its engine has it. */
async function containers(): Promise<string[]> {
  const format = '{{.ID}} {{.State}} {{.Names}}';
  const name = `name=${place.nameOf('front')}`;
  return await lines('ps', '-a', '--no-trunc', '--filter', name, '--format', format);
}

async function lines(...words: string[]): Promise<string[]> {
  return (await place.hosts.a.docker(...words)).split('\n').filter(Boolean);
}

async function run(...words: string[]) {
  const ran = await place.run(...words);
  said += ran.stdout + ran.stderr;
  return ran;
}

interface BuildInMap {
  source: Record<string, unknown>;
  command?: object;
  image: Record<string, unknown>;
}
type Change = (build: BuildInMap) => void;

const from =
  (git: () => string, more: object = {}): Change =>
  (build) => {
    build.source = { ...build.source, git: git(), ...more };
  };
const running =
  (run: string, more: object = {}): Change =>
  (build) => {
    build.command = { image: `${place.registry}/test/faulty:ok`, run, ...more };
  };
const madeBy =
  (dockerfile: () => string): Change =>
  (build) => {
    build.image.dockerfile_inline = dockerfile();
  };
const named =
  (registry: () => string): Change =>
  (build) => {
    build.image.name = `${registry()}/${build.image.name}`.replace(/\/localhost:\d+\//, '/');
  };

/** A map file in which the container is of a build of its own. */
async function define(change: Change): Promise<{ build: string; file: string; image: string }> {
  const build = `case-${++rows}`;
  const map = parse(original);
  const { builds, maps } = map.services.shop;
  const definition = { ...builds.storefront, image: { name: `${place.image}-${build}`, version: '1.4.0' } };
  builds[build] = definition;
  change(definition);
  maps.demo.servers.web.containers.find(({ name }: { name: string }) => front.endsWith(name)).build = build;
  const file = join(place.dir, `${build}.yaml`);
  await writeFile(file, stringify(map));
  return { build, file, image: definition.image.name };
}

interface Row {
  what: string;
  step: 'DOWNLOAD' | 'BUILD' | 'CREATE IMAGE' | 'PUSH';
  change: Change;
  code: string;
  reason: RegExp;
  /** What is shown of the Dockerfile. */
  line?: RegExp;
  /** It is looked at through the dashboard as well, where this is on the screen; a line of it, for the screen wraps. */
  seen?: RegExp;
}

const ROWS: readonly Row[] = [
  {
    what: 'a git server that is gone',
    step: 'DOWNLOAD',
    change: from(() => at.gone),
    code: 'server-refused',
    reason: /127\.0\.0\.1:\d+ refuses the connection\. Check the URL, and whether it runs\./,
  },
  {
    what: 'a git server that wants a password',
    step: 'DOWNLOAD',
    change: from(() => at.wantsPassword),
    code: 'password-wanted',
    reason: /wants a user and password or a token .* Put one into a secret/,
    seen: /wants a user and password or a token/,
  },
  {
    what: 'a git server that takes another password',
    step: 'DOWNLOAD',
    change: from(() => at.wantsPassword, {
      credentials: { user: 'ada', password: { secret: 'shop-token' } },
    }),
    code: 'password-wrong',
    reason: /does not take the user and password or token/,
  },
  {
    what: 'a git server that offers a changed host key',
    step: 'DOWNLOAD',
    change: from(() => at.strange, { credentials: 'ssh' }),
    code: 'host-key-changed',
    reason:
      /is not the one that the agent knows.*It offers SHA256:\S+\..*ssh-keygen -R '\[127\.0\.0\.1\]:\d+'/,
    seen: /is not the one that the agent knows/,
  },
  {
    what: 'a repository that is not there',
    step: 'DOWNLOAD',
    change: from(() => 'file:///nowhere/storefront.git'),
    code: 'no-such-repository',
    reason: /no repository at file:\/\/\/nowhere\/storefront\.git/,
  },
  {
    what: 'a branch that is not there',
    step: 'DOWNLOAD',
    change: from(() => place.repository.url, { ref: 'autumn' }),
    code: 'no-such-ref',
    reason: /no branch, tag or commit autumn/,
  },
  {
    what: 'a command that fails',
    step: 'BUILD',
    change: running('cat /run/secrets/token; echo; echo error: no apples >&2; exit 3', {
      secrets: [{ id: 'token', secret: 'shop-token' }],
    }),
    code: 'build-command-failed',
    reason: /exit code 3.*no apples/s,
    seen: /ended with exit code 3/,
  },
  {
    what: 'an image to run the command in that is not there',
    step: 'BUILD',
    change: (build) => {
      build.command = { image: `${place.registry}/test/nosuch:1`, run: 'true' };
    },
    code: 'builder-image',
    reason: /builder's image can't be had.*nosuch/,
  },
  {
    what: 'a Dockerfile with an error on a line',
    step: 'CREATE IMAGE',
    change: madeBy(() => place.dockerfile('', 'COPPY page /page')),
    code: 'dockerfile',
    reason: /Dockerfile has an error/,
    line: /Dockerfile:4: COPPY page \/page/,
    seen: /The Dockerfile has an error/,
  },
  {
    what: 'a Dockerfile whose step fails',
    step: 'CREATE IMAGE',
    change: madeBy(() => place.dockerfile('RUN echo some pears', 'RUN echo no pears && exit 9')),
    code: 'build-step-failed',
    reason: /exit code: 9.*no pears/s,
    line: /Dockerfile:4: RUN echo no pears && exit 9/,
  },
  {
    what: 'a Dockerfile that copies what is not there',
    step: 'CREATE IMAGE',
    change: madeBy(() => place.dockerfile('COPY plums /plums')),
    code: 'build-step-failed',
    reason: /plums/,
    line: /Dockerfile:3: COPY plums \/plums/,
  },
  {
    what: 'a base image that is not there',
    step: 'CREATE IMAGE',
    change: madeBy(() => `FROM ${place.registry}/test/nosuch:1\n`),
    code: 'base-image',
    reason: /A base image can't be had: .*nosuch/,
    line: /Dockerfile:1: FROM \S+\/test\/nosuch:1/,
  },
  {
    what: 'a registry that is not there',
    step: 'PUSH',
    change: named(() => 'localhost:1'),
    code: 'registry-unavailable',
    reason: /localhost:1/,
  },
  {
    what: 'a registry that refuses the push',
    step: 'PUSH',
    change: named(() => at.lockedRegistry),
    code: 'push-denied',
    reason: /no basic auth credentials\. Log in to it .*docker login localhost:\d+\)/,
    seen: /The registry did not take localhost:/,
  },
];

test.each(ROWS.map((row) => [row.what, row] as const))(
  '%s: its reason, nothing deployed, and nothing left',
  async (_what, { step, change, code, reason, line, seen = reason }) => {
    const { build, file, image } = await define(change);
    const ran = await run('execute', front, '--build', '--confirm', '--json', '--file', file);
    expect(ran.stderr).toContain(`${build}: failed in ${step}: `);
    expect(ran.stderr).toMatch(reason);
    if (line !== undefined) expect(ran.stderr).toMatch(line);
    expect(ran.stderr).toMatch(/Nothing was deployed on web: what runs there keeps running\./);
    expect(ran.stderr).toContain(`towline build log ${build} `);
    expect(ran.code).toBe(3);
    const { builds: runs, jobs } = Object(ran.json());
    expect(runs).toMatchObject([{ build, state: 'ERROR', number: 1, error: { code } }]);
    expect(jobs).toMatchObject([{ server: 'web', state: 'REFUSED', refusal: { code: 'build-failed' } }]);
    const steps: { name: string; state: string }[] = runs[0].steps;
    const failed = steps.findIndex(({ name }) => name === step);
    expect(steps.map(({ state }) => state)).toEqual(
      steps.map((_, each) => (each < failed ? 'DONE' : each === failed ? 'ERROR' : 'WAIT')),
    );

    expect(await containers()).toEqual(serving);
    const made = `label=io.towline.image.run=${runs[0].id}`;
    expect(await lines('ps', '-aq', '--filter', `label=io.towline.build=${runs[0].id}`)).toEqual([]);
    expect(await lines('images', '-aq', '--filter', made)).toEqual([]);
    expect(await lines('images', '-q', image)).toEqual([]);

    const log = await run('build', 'log', build, '--file', file);
    expect(log.stdout).toMatch(/^ERROR: /m);
    // What the reason quotes stands above it there, as it was written.
    expect(log.stdout).toMatch(seen);
    if (line !== undefined) expect(log.stdout).toMatch(line);
  },
);

test.each(ROWS.filter(({ seen }) => seen !== undefined).map((row) => [row.what, row] as const))(
  '%s, through the dashboard',
  async (_what, { step, change, reason, line, seen = reason }) => {
    const { build, file } = await define(change);
    const args = [TOWLINE, '--file', file];
    const size = { cols: 180, rows: 40 };
    const terminal = openTerminal({
      command: process.execPath,
      args,
      cwd: place.dir,
      env: place.env,
      ...size,
    });
    onTestFinished(() => terminal.close());
    await terminal.waitFor('? Help');
    await filterTo(terminal, place.nameOf('front'));
    await terminal.waitFor(/▸ +clib-/);
    terminal.press('m', 'm', 'Space');
    await terminal.waitFor(/◆ armed .*◆ armed /);
    terminal.press('x');
    await terminal.waitFor('[ Execute ]');
    terminal.press('Enter');

    // The batch: which step, why, and that nothing was deployed for it.
    await terminal.waitFor(new RegExp(`✗ ERROR +build ${build} `));
    await terminal.waitFor(/⊘ REFUSED +web on alpha/);
    await terminal.waitFor(seen);
    await terminal.waitFor(`failed in ${step}`);
    // The build's log, which opens at the step that failed, with its reason and the line.
    terminal.press('Enter');
    await terminal.waitFor(new RegExp(`\\[\\d ✗ ${step}`));
    await terminal.waitFor(/^ {2}ERROR: /m);
    await terminal.waitFor(seen);
    // On a line of its own, at the top and in the log.
    if (line !== undefined) await terminal.waitFor(new RegExp(`(^ {2}${line.source} *$.*){2}`, 'ms'));
    terminal.press('Escape', 'Escape');
    await terminal.waitFor(new RegExp(`${place.nameOf('front')} .*✗ ERROR .*running`));
    expect(await containers()).toEqual(serving);
    said += terminal.screen().join('\n');
  },
);

test('nothing secret was said, and none is anywhere but where secrets are', async () => {
  expect(said).toContain('no apples');
  expect(said).not.toContain(VALUE);
  const state = join(place.dir, 'alpha', 'state');
  let read = 0;
  for (const file of await readdir(state, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name);
    expect(path).not.toContain('.git-files');
    if (!file.isFile() || path.startsWith(join(state, 'secrets'))) continue;
    expect(await readFile(path, 'latin1'), path).not.toContain(VALUE);
    read++;
  }
  expect(read).toBeGreaterThan(rows);
});

test('the image of a build that has run keeps its name, whatever the map file says by now', async () => {
  const map = parse(original);
  map.services.shop.builds.storefront.image.name = 'localhost:1/shop/storefront';
  await place.writeMap(map);
  const ran = await place.run('build', 'run', 'storefront', '--json');
  expect(ran.code).toBe(1);
  expect(ran.json()).toMatchObject({ error: { code: 'bad-request' } });
});
