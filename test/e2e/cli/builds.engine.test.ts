import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type BuildPlace, createBuildPlace } from './build-place.ts';
import { TOWLINE } from './towline-process.ts';

let place: BuildPlace;
let front: string;
let frontToo: string;
let gateway: string;

const FIRST = '1.4.0.B000001';
const SECOND = '1.4.0.B000002';

beforeAll(async () => {
  place = await createBuildPlace();
  front = `web/${place.nameOf('front')}`;
  frontToo = `shop/${place.nameOf('front-too')}`;
  gateway = `web/${place.nameOf('gateway')}`;
});

afterAll(() => place.close());

/** The codes that a command refused with, and how it ended. */
async function refusal(...args: string[]) {
  const { code, stdout } = await place.run(...args, '--json');
  const { refused, failures, jobs } = JSON.parse(stdout);
  const said = [...(refused ?? []), ...(failures ?? []), ...(jobs ?? []).map((job: Said) => job.refusal)];
  return { code, codes: said.filter(Boolean).map((each: { code: string }) => each.code) };
}

interface Said {
  refusal?: { code: string };
}

describe('before anything was built', () => {
  test('the build is listed, and its stage says so', async () => {
    const list = await place.run('build', 'list', '--json');
    expect(list).toMatchObject({ code: 0 });
    expect(list.json()).toMatchObject({
      service: 'shop',
      builds: [
        { name: 'storefront', agent: 'alpha', lastRun: null, latest: null, unavailable: null },
        { name: 'inner' },
      ],
    });
    expect((await place.run('status')).stdout).toMatch(/clib-front-\S+ .* not run yet /);
  });

  test.each([
    [['--latest'], 'no-successful-image'],
    [['--designated', ''], 'no-tag'],
    [['--designated', 'not a tag'], 'invalid-tag'],
    [['--build'], 'not-confirmed'],
    [['--tag', FIRST], 'mode-not-allowed'],
  ])('a built image with %j is refused', async (words, code) => {
    expect(await refusal('execute', front, ...words)).toEqual({ code: 2, codes: [code] });
  });

  test.each([[['--latest']], [['--designated', 'ok']], [['--build', '--confirm']]])(
    'a common image with %j is refused',
    async (words) => {
      expect(await refusal('execute', gateway, ...words)).toEqual({ code: 2, codes: ['mode-not-allowed'] });
    },
  );

  test('what one agent built and no registry has is not deployed by another', async () => {
    const far = `far/${place.nameOf('outside')}`;
    expect(await refusal('execute', far, '--build', '--confirm')).toEqual({
      code: 2,
      codes: ['needs-registry'],
    });
  });

  test('--read-only builds nothing', async () => {
    expect(await refusal('execute', front, '--build', '--confirm', '--read-only')).toEqual({
      code: 2,
      codes: ['read-only'],
    });
    expect((await place.run('build', 'run', 'storefront', '--read-only')).code).toBe(2);
  });

  test('what only a command that stays can deploy is not built by one that leaves', async () => {
    const ran = await place.run('execute', frontToo, '--build', '--confirm', '--detach');
    expect(ran).toMatchObject({ code: 64, stderr: expect.stringContaining('Leave --detach out') });
    expect(ran.stderr).toContain("its agent beta can't wait for a build on alpha");
  });

  test('nothing can be rolled back, and nothing is cancelled', async () => {
    expect((await place.run('rollback', front)).code).toBe(2);
    expect((await place.run('build', 'cancel', 'storefront')).code).toBe(2);
    expect((await place.run('build', 'log', 'storefront')).code).toBe(1);
    expect((await place.run('build', 'log', 'nothing')).code).toBe(64);
  });
});

describe('the modes of a built image', () => {
  test('a confirmed Build & Deploy builds and deploys', async () => {
    const ran = await place.run('execute', front, '--build', '--confirm');
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stderr).toMatch(/storefront: main is [0-9a-f]{8} Open the shop/);
    expect(ran.stderr).toMatch(/storefront: PUSH: DONE/);
    expect(ran.stdout).toMatch(/^storefront: DONE: 1\.4\.0\.B000001 of [0-9a-f]{8} Open the shop in /m);
    expect(ran.stdout).toMatch(/^web: DONE: clib-front-\S+ \(none\) → 1\.4\.0\.B000001 in /m);
    expect(await place.runs('a', 'front')).toBe(FIRST);
    // Any user of the image can read what came from the source.
    const mode = ['stat', '-c', '%a', '/page'];
    expect(await place.hosts.a.docker('exec', place.nameOf('front'), ...mode)).toBe('644\n');
    const status = await place.run('status');
    expect(status.stdout).toMatch(/clib-front-\S+ .* 1\.4\.0\.B000001 DONE +1\.4\.0\.B000001 /);
  });

  test.each([[['--latest']], [['--designated', FIRST]]])(
    'over itself with %j it is refused',
    async (words) => {
      expect(await refusal('execute', front, ...words)).toEqual({ code: 2, codes: ['same-version'] });
    },
  );

  test('a tag that no run made is refused, and what runs goes on', async () => {
    expect(await refusal('execute', front, '--designated', '1.4.0.B000099')).toEqual({
      code: 2,
      codes: ['tag-not-found'],
    });
    expect(await place.runs('a', 'front')).toBe(FIRST);
  });

  test('`build run` deploys nothing; Latest then does, through the registry on another machine too', async () => {
    await place.repository.commit({ message: 'Sell two', files: { page: 'two\n' } });
    const ran = await place.run('build', 'run', 'storefront', '--note', 'for the weekend', '--json');
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.json()).toMatchObject({
      tag: SECOND,
      state: 'DONE',
      note: 'for the weekend',
      commit: { subject: 'Sell two', ref: 'main' },
      digest: expect.stringMatching(/^sha256:/),
      steps: [{ name: 'DOWNLOAD' }, { name: 'CREATE IMAGE' }, { name: 'PUSH', state: 'DONE' }],
    });
    expect(await place.runs('a', 'front')).toBe(FIRST);
    const batch = await place.run(
      'batch',
      '--yes',
      '--set',
      `${front}=latest`,
      '--set',
      `${frontToo}=latest`,
    );
    expect(batch).toMatchObject({ code: 0 });
    expect(await place.runs('a', 'front')).toBe(SECOND);
    expect(await place.runs('b', 'front-too')).toBe(SECOND);
    expect(await place.hosts.b.docker('exec', place.nameOf('front-too'), 'cat', '/page')).toBe('two\n');
  });

  test('versions: what Designated can choose, with commit and note', async () => {
    const { stdout } = await place.run('versions', front);
    expect(stdout).toMatch(/^TAG +BUILT +SIZE +DIGEST +COMMIT +NOTE\n/);
    expect(stdout).toMatch(/^1\.4\.0\.B000002 .* Sell two +deployed, for the weekend$/m);
    expect(stdout).toMatch(/^1\.4\.0\.B000001 .* Open the shop$/m);
    const { versions } = Object(await place.run('versions', front, '--json').then((ran) => ran.json()));
    expect(versions).toMatchObject([
      { tag: SECOND, deployed: true, digest: expect.stringMatching(/^sha256:/) },
      { tag: FIRST, deployed: false },
    ]);
  });

  test('one run, with what became of its steps and of the Dockerfile’s', async () => {
    const { stdout } = await place.run('build', 'show', 'storefront', SECOND);
    expect(stdout).toMatch(/^storefront 1\.4\.0\.B000002: DONE$/m);
    expect(stdout).toMatch(/^ {2}DONE +PUSH /m);
    expect(stdout).toMatch(/^ {2}(DONE|CACHED) +\[2\/2\] COPY page \/page/m);
    const shown = await place.run('build', 'show', 'storefront', '--json');
    expect(shown.json()).toMatchObject({ tag: SECOND, verticesLeftOut: 0 });
    expect((await place.run('build', 'show', 'storefront', '1.4.0.B000099')).code).toBe(64);
  });

  test('commits between two versions', async () => {
    const ran = await place.run('build', 'commits', 'storefront', FIRST, SECOND, '--json');
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.json()).toMatchObject({ direction: 'forward', commits: [{ subject: 'Sell two' }] });
  });

  test('rollback goes back, and twice is there again', async () => {
    const plan = await place.run('rollback', front, '--plan');
    expect(plan).toMatchObject({ code: 0, stdout: expect.stringContaining(` ${SECOND} → ${FIRST}, `) });
    expect(await place.runs('a', 'front')).toBe(SECOND);
    const back = await place.run('rollback', front);
    expect(back).toMatchObject({ code: 0 });
    expect(await place.runs('a', 'front')).toBe(FIRST);
    expect((await place.run('rollback', 'web')).code).toBe(0);
    expect(await place.runs('a', 'front')).toBe(SECOND);
  });

  test('Designated deploys an older one', async () => {
    expect((await place.run('execute', front, '--designated', FIRST)).code).toBe(0);
    expect(await place.runs('a', 'front')).toBe(FIRST);
  });

  test('an image that stays on its agent is deployed there', async () => {
    const inside = `inner/${place.nameOf('inside')}`;
    const ran = await place.run('execute', inside, '--build', '--confirm');
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stderr).not.toContain('PUSH');
    expect(await place.runs('a', 'inside')).toBe('1.0.0.B000001');
  });
});

describe('batch', () => {
  test('--plan shows one build for the tasks that share it', async () => {
    const words = ['--set', `${front}=build`, '--set', `${frontToo}=build`, '--set', `${gateway}=tag:ok`];
    const plan = await place.run('batch', '--plan', ...words);
    expect(plan).toMatchObject({ code: 0 });
    expect(plan.stdout).toContain(`  build storefront on alpha, for ${front}, ${frontToo}\n`);
    expect(plan.stdout).toMatch(/^ {2}web on alpha$/m);
    expect(plan.stdout).toMatch(/^ {2}shop on beta, from here when that is built$/m);
    const { builds } = Object((await place.run('batch', '--plan', '--json', ...words)).json());
    expect(builds).toHaveLength(1);
  });

  test('builds once for all, and deploys its one image', async () => {
    const ran = await place.run(
      ...['batch', '--yes', '--json', '--set', `${front}=build`, '--set', `${frontToo}=build`],
    );
    expect(ran).toMatchObject({ code: 0 });
    const { builds, jobs } = Object(ran.json());
    expect(builds).toMatchObject([{ tag: '1.4.0.B000003', state: 'DONE' }]);
    expect(jobs).toMatchObject([{ state: 'DONE' }, { state: 'DONE' }]);
    expect(await place.runs('a', 'front')).toBe('1.4.0.B000003');
    expect(await place.runs('b', 'front-too')).toBe('1.4.0.B000003');
  });

  test('a build that fails deploys nothing, and says so on each task', async () => {
    await place.repository.commit({
      message: 'Break it',
      files: { Dockerfile: place.dockerfile('RUN echo it breaks here && exit 9') },
    });
    const ran = await place.run(
      ...['batch', '--yes', '--json', '--set', `${front}=build`, '--set', `${frontToo}=build`],
      ...['--set', `${gateway}=tag:ok`],
    );
    expect(ran).toMatchObject({ code: 3 });
    const { builds, jobs, failures } = Object(ran.json());
    expect(builds).toMatchObject([{ tag: '1.4.0.B000004', state: 'ERROR' }]);
    // One agent waited by itself, for the other it was waited here.
    const why = expect.stringContaining('The build storefront (1.4.0.B000004) failed in CREATE IMAGE: ');
    const refusal = { code: 'build-failed', message: why };
    expect(jobs).toMatchObject([{ server: 'web', state: 'REFUSED', tasks: [{}, {}], refusal }]);
    expect(failures).toMatchObject([
      { server: 'shop', container: place.nameOf('front-too'), code: 'build-failed', message: why },
    ]);
    expect(ran.stderr).toContain('storefront: failed in CREATE IMAGE');
    expect(await place.runs('a', 'front')).toBe('1.4.0.B000003');
    expect(await place.runs('a', 'gateway')).toBeUndefined();
    const { stdout } = await place.run('build', 'log', 'storefront', '--step', 'create-image');
    expect(stdout).toContain('it breaks here');
  });
});

describe('a run and whoever looks at it', () => {
  test('Ctrl-C leaves it going and says so; it is cancelled by its name', async () => {
    await place.repository.commit({
      message: 'Take long',
      files: { Dockerfile: place.dockerfile('RUN echo slowly; sleep 600') },
    });
    const child = spawn(process.execPath, [TOWLINE, 'execute', front, '--build', '--confirm'], {
      cwd: place.dir,
      env: place.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    await vi.waitUntil(() => said.includes('DOWNLOAD: DONE'), { timeout: 20_000 });
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    expect(code).toBe(130);
    expect(said).toContain('the run 1.4.0.B000005 goes on');
    const [, job = ''] = /web: the job (\S+) goes on/.exec(said) ?? [];

    expect(await refusal('execute', front, '--build', '--confirm')).toEqual({
      code: 2,
      codes: ['job-running'],
    });
    expect(await refusal('execute', frontToo, '--build', '--confirm')).toEqual({
      code: 2,
      codes: ['build-running'],
    });
    expect((await place.run('build', 'clean', 'storefront')).code).toBe(2);
    const follows = place.run('build', 'log', 'storefront', '--follow');
    const cancelled = await place.run('build', 'cancel', 'storefront');
    expect(cancelled).toMatchObject({ code: 0 });
    const followed = await follows;
    expect(followed.code).toBe(3);
    expect(followed.stderr).toContain('storefront: CANCELLED');
    const refused = await place.run('job', job, '--follow', '--json');
    expect(refused.code).toBe(3);
    expect(refused.stdout).toContain('was cancelled by ');
    expect(await place.runs('a', 'front')).toBe('1.4.0.B000003');
  });

  test('in a batch a server waits for its own builds, and for no other', async () => {
    const inside = `inner/${place.nameOf('inside')}`;
    const quick = `${place.dockerfile()}`;
    const map = await readFile(place.mapFile, 'utf8');
    await place.writeMap(
      map.replace('version: 1.0.0', `version: 1.0.0\n          dockerfile_inline: ${JSON.stringify(quick)}`),
    );
    const words = ['batch', '--yes', '--json', '--set', `${front}=build`, '--set', `${inside}=build`];
    const ran = place.run(...words);
    await vi.waitUntil(async () => (await place.runs('a', 'inside')) === '1.0.0.B000002', {
      timeout: 30_000,
    });
    const runs = Object((await place.run('build', 'list', '--json')).json()).builds;
    expect(runs[0]).toMatchObject({
      name: 'storefront',
      lastRun: { tag: '1.4.0.B000006', state: 'RUNNING' },
    });
    expect((await place.run('build', 'cancel', 'storefront', '1.4.0.B000006')).code).toBe(0);
    const { code, json } = await ran;
    expect(code).toBe(3);
    const refusal = { code: 'build-failed', message: expect.stringContaining('was cancelled by ') };
    expect(json()).toMatchObject({
      jobs: [
        { server: 'web', state: 'REFUSED', refusal },
        { server: 'inner', state: 'DONE' },
      ],
      failures: [],
    });
    expect(await place.runs('a', 'front')).toBe('1.4.0.B000003');
    await place.writeMap(map);
  });

  test('runs are listed, newest first, and take notes', async () => {
    expect((await place.run('build', 'note', 'storefront', FIRST, 'the first')).code).toBe(0);
    const list = await place.run('build', 'list', 'storefront');
    expect(list.stdout).toMatch(/^1\.4\.0\.B000005 +CANCELLED 2\/3 /m);
    expect(list.stdout).toMatch(/^1\.4\.0\.B000001 +DONE .* the first$/m);
  });

  test('a log comes whole: long lines, many lines, and as JSON', async () => {
    const run = `i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; head -c 200000 /dev/zero | tr '\\0' x; echo`;
    await place.repository.commit({ message: 'Say much', files: { Dockerfile: place.dockerfile() } });
    await place.writeMap(
      (await readFile(place.mapFile, 'utf8')).replace(
        'version: 1.4.0',
        `version: 1.4.0\n        command: { image: "${place.registry}/test/faulty:ok", run: ${JSON.stringify(run)} }`,
      ),
    );
    expect((await place.run('build', 'run', 'storefront')).code).toBe(0);
    const log = await place.run('build', 'log', 'storefront', '--step', 'build');
    const lines = log.stdout.split('\n').filter((line) => /^(line \d+|x+)$/.test(line));
    expect(lines).toHaveLength(3001);
    expect(lines.at(-1)).toHaveLength(200_000);
    const tail = await place.run('build', 'log', 'storefront', '--step', 'build', '--tail', '3', '--json');
    expect(tail.jsonLines()).toHaveLength(3);
    const follow = await place.run('build', 'log', 'storefront', '--follow', '--json');
    expect(follow.code).toBe(0);
    const entries = follow.jsonLines().map((entry) => Object(entry));
    const seqs = entries.filter(({ step }) => step === 'build').map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, at) => at + 1));
    expect(new Set(entries.map(({ step }) => step))).toEqual(
      new Set(['download', 'build', 'create-image', 'push']),
    );
  });

  test('what it keeps is cleared', async () => {
    const ran = await place.run('build', 'clean', 'storefront', '--source', '--json');
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.json()).toMatchObject({ cleared: ['source'], freed: expect.any(Number) });
    expect((await place.run('build', 'clean', 'storefront')).stdout).toContain('source and cache cleared');
  });
});

describe('an agent that is not there', () => {
  test('what its builds are is not known, and nothing is made of that', async () => {
    await place.agents.alpha.stop();
    const list = await place.run('build', 'list');
    expect(list).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('alpha, which builds storefront'),
    });
    expect((await place.run('status')).code).toBe(5);
    for (const words of [['--latest'], ['--build', '--confirm']]) {
      expect(await refusal('execute', frontToo, ...words)).toEqual({ code: 5, codes: ['agent-unreachable'] });
    }
    for (const words of [['run'], ['cancel'], ['log'], ['show'], ['clean']]) {
      expect((await place.run('build', ...words, 'storefront')).code).toBe(5);
    }
    expect((await place.run('build', 'secret', 'list')).code).toBe(5);
    // What is in the registry is deployed without it.
    expect((await place.run('execute', frontToo, '--designated', FIRST)).code).toBe(0);
    expect(await place.runs('b', 'front-too')).toBe(FIRST);
    await place.restartAlpha();
  });
});
