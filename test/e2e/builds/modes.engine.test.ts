import { readFile, writeFile } from 'node:fs/promises';
import { openTerminal, type Terminal } from '@towline/test/terminal';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { type BuildPlace, createBuildPlace } from '../cli/build-place.ts';
import { TOWLINE } from '../cli/towline-process.ts';
import { filterTo } from '../filter-to.ts';

const FIRST = '1.4.0.B000001';
const SECOND = '1.4.0.B000002';

let place: BuildPlace;
let terminal: Terminal | undefined;

/** `gateway` runs `ok`, `door` runs `latest`; `front` runs the first image, `front-too` the second; `inside` none. */
beforeAll(async () => {
  place = await createBuildPlace();
  const map = parse(await readFile(place.mapFile, 'utf8'));
  const door = { name: place.nameOf('door'), image: `${place.registry}/shop/gateway`, settle: 0, run: {} };
  map.services.shop.maps.demo.servers.door = { agent: 'beta', containers: [door] };
  await place.writeMap(map);
  const common = [`${target('gateway')}=tag:ok`, `${target('door')}=tag:latest`];
  await done(
    'batch',
    '--yes',
    '--set',
    `${target('front')}=build`,
    `${target('front-too')}=build`,
    ...common,
  );
  await done('build', 'run', 'storefront');
  await done('execute', target('front-too'), '--latest');
});

afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});

afterAll(async () => {
  await place?.close();
});

const SERVERS = { gateway: 'web', front: 'web', 'front-too': 'shop', inside: 'inner', door: 'door' } as const;
type Short = keyof typeof SERVERS;

const target = (short: Short) => `${SERVERS[short]}/${place.nameOf(short)}`;

async function done(...words: string[]): Promise<void> {
  const { code, stderr } = await place.run(...words);
  expect(code, stderr).toBe(0);
}

async function show(...args: string[]): Promise<Terminal> {
  const size = { cols: 180, rows: 40 };
  const words = [TOWLINE, ...args];
  const opened = openTerminal({
    command: process.execPath,
    args: words,
    cwd: place.dir,
    env: place.env,
    ...size,
  });
  terminal = opened;
  await opened.waitFor('? Help');
  return opened;
}

/** With the cursor on a container, by the filter that finds it alone. */
async function moveTo(on: Terminal, short: Short): Promise<void> {
  await filterTo(on, place.nameOf(short));
  await on.waitFor(/▸ +clib-/);
}

async function dropFilter(on: Terminal): Promise<void> {
  on.press('Escape');
  await on.waitForGone('Filter:');
}

/** The row under the cursor. */
const rowOf = (on: Terminal) => on.screen().find((line) => /▸ +clib-/.test(line)) ?? '';

/** Nothing is armed on the row, which says why; and Execute opens nothing: what is pressed next is the table's. */
async function pressesNothing(on: Terminal, short: Short, why: RegExp): Promise<void> {
  await on.waitFor(why);
  on.press('x', 'i');
  await on.waitFor(`─ ${target(short)} ─`);
  expect(on.screen().join('\n')).not.toMatch(/◆ armed|\[ Execute \]/);
  on.press('Escape');
  await on.waitForGone(`─ ${target(short)} ─`);
}

interface Armed {
  stages: ('build' | 'deploy')[];
  /** What Execute says that it would do. */
  to: string;
}
interface Refused {
  code: string;
  why: RegExp;
}

interface Row {
  what: string;
  on: Short;
  /** As `batch --set` has it; undefined where it has no word for it. */
  choice?: string;
  /** At the keyboard, from how the table begins, and back; undefined for a mode that can't be chosen there. */
  keys?: string[];
  back?: string[];
  expected: Armed | Refused;
}

const deploys = (to: string): Armed => ({ stages: ['deploy'], to });
const NOT_COMMON: Refused = { code: 'mode-not-allowed', why: /runs a common image: choose Image Tag, not/ };

/** The table of the execute rules. */
const ROWS: readonly Row[] = [
  {
    what: 'Image Tag: empty',
    on: 'gateway',
    choice: 'tag:',
    keys: [],
    expected: { code: 'no-tag', why: /Type a tag or pick one/ },
  },
  {
    what: 'Image Tag: no valid tag',
    on: 'gateway',
    choice: 'tag:no tag',
    keys: ['tno tag\r'],
    back: ['\x7f'],
    expected: { code: 'invalid-tag', why: /"no tag" is no tag/ },
  },
  {
    what: 'Image Tag: the deployed one',
    on: 'gateway',
    choice: 'tag:ok',
    keys: ['tok\r'],
    back: ['\x7f'],
    expected: { code: 'same-version', why: /runs ok already/ },
  },
  {
    what: 'Image Tag: another',
    on: 'gateway',
    choice: 'tag:ok2',
    keys: ['tok2\r'],
    back: ['\x7f'],
    expected: deploys('ok → ok2'),
  },
  {
    what: 'Image Tag: latest over latest',
    on: 'door',
    choice: 'tag:latest',
    keys: ['tlatest\r'],
    back: ['\x7f'],
    expected: deploys('latest → latest'),
  },
  {
    what: 'Image Tag: latest in another case',
    on: 'door',
    choice: 'tag:Latest',
    keys: ['tLatest\r'],
    back: ['\x7f'],
    expected: deploys('latest → Latest'),
  },
  { what: 'Designated of a common image', on: 'gateway', choice: 'designated:ok2', expected: NOT_COMMON },
  { what: 'Latest of a common image', on: 'gateway', choice: 'latest', expected: NOT_COMMON },
  { what: 'Build & Deploy of a common image', on: 'gateway', choice: 'build', expected: NOT_COMMON },
  {
    what: 'Image Tag of a built image',
    on: 'front',
    choice: `tag:${SECOND}`,
    expected: {
      code: 'mode-not-allowed',
      why: /runs a built image: choose Designated, Latest, Build & Deploy, not Image Tag/,
    },
  },
  {
    what: 'Designated: the deployed one, which it begins with',
    on: 'front',
    choice: `designated:${FIRST}`,
    keys: [],
    expected: { code: 'same-version', why: new RegExp(`runs ${FIRST} already`) },
  },
  {
    what: 'Designated: a newer one',
    on: 'front',
    choice: `designated:${SECOND}`,
    keys: [`t${SECOND}\r`],
    back: ['\x7f'],
    expected: deploys(`${FIRST} → ${SECOND}`),
  },
  {
    what: 'Designated: an older one',
    on: 'front-too',
    choice: `designated:${FIRST}`,
    keys: [`t${FIRST}\r`],
    back: ['\x7f'],
    expected: deploys(`${SECOND} → ${FIRST}`),
  },
  {
    what: 'Latest: a newer one',
    on: 'front',
    choice: 'latest',
    keys: ['m'],
    back: ['m', 'm'],
    expected: deploys(`${FIRST} → ${SECOND}`),
  },
  {
    what: 'Latest: the deployed one',
    on: 'front-too',
    choice: 'latest',
    keys: ['m'],
    back: ['m', 'm'],
    expected: { code: 'same-version', why: new RegExp(`runs ${SECOND} already`) },
  },
  {
    what: 'Latest: none succeeded yet',
    on: 'inside',
    choice: 'latest',
    keys: ['m'],
    back: ['m', 'm'],
    expected: { code: 'no-successful-image', why: /No build of \S+ has succeeded yet/ },
  },
  {
    what: 'Build & Deploy: not confirmed',
    on: 'front',
    keys: ['m', 'm'],
    back: ['m'],
    expected: { code: 'not-confirmed', why: /Confirm Execute/ },
  },
  {
    what: 'Build & Deploy: confirmed',
    on: 'front',
    choice: 'build',
    keys: ['m', 'm', ' '],
    back: [' ', 'm'],
    expected: { stages: ['build', 'deploy'], to: `${FIRST} → a new build` },
  },
  {
    what: 'Build & Deploy: over the newest',
    on: 'front-too',
    choice: 'build',
    keys: ['m', 'm', ' '],
    back: [' ', 'm'],
    expected: { stages: ['build', 'deploy'], to: `${SECOND} → a new build` },
  },
  {
    what: 'Build & Deploy: before there is an image',
    on: 'inside',
    choice: 'build',
    keys: ['m', 'm', ' '],
    back: [' ', 'm'],
    expected: { stages: ['build', 'deploy'], to: '→ a new build' },
  },
];

describe('through the command line', () => {
  /** What each was planned as: a container has one choice in a plan, so there are as many plans as the most has rows. */
  const planned = new Map<Row, unknown>();

  beforeAll(async () => {
    const rounds = Map.groupBy(
      ROWS.filter(({ choice }) => choice !== undefined),
      (row) => ROWS.filter(({ on, choice }) => on === row.on && choice !== undefined).indexOf(row),
    );
    for (const rows of rounds.values()) {
      const set = rows.map(({ on, choice }) => `${target(on)}=${choice}`);
      const ran = await place.run('batch', '--plan', '--json', '--set', ...set);
      const { servers, refused } = Object(ran.json());
      const tasks = [...servers.flatMap(({ tasks }: { tasks: object[] }) => tasks), ...refused];
      for (const row of rows) {
        planned.set(
          row,
          tasks.find(({ container }) => container === place.nameOf(row.on)),
        );
      }
    }
    for (const row of ROWS.filter(({ choice }) => choice === undefined)) {
      const ran = await place.run('execute', target(row.on), '--build', '--json');
      planned.set(row, Object(ran.json()).refused[0]);
      expect(ran.stderr).toContain('On the command line that is --confirm.');
    }
  });

  test.each(ROWS.map((row) => [row.what, row] as const))('%s', (_what, row) => {
    const { expected } = row;
    if ('code' in expected) {
      expect(planned.get(row)).toMatchObject({
        code: expected.code,
        message: expect.stringMatching(expected.why),
      });
    } else {
      const [, to = ''] = expected.to.split('→ ');
      expect(planned.get(row)).toMatchObject({
        stages: expected.stages,
        to: to === 'a new build' ? null : to,
      });
    }
  });
});

test('through the dashboard', async () => {
  const on = await show();
  let at: Short | undefined;
  for (const { what, on: short, keys, back = [], expected } of ROWS) {
    if (keys === undefined) continue;
    if (short !== at) {
      if (at !== undefined) await dropFilter(on);
      await moveTo(on, short);
      at = short;
    }
    for (const key of keys) on.type(key);
    const armed = 'code' in expected ? [] : expected.stages;
    // What would run is marked before anything does.
    await on.waitUntil(
      `${what}: ${armed.join(' and ') || 'nothing'} is armed`,
      () => rowOf(on).split('◆ armed').length - 1 === armed.length,
    );
    if ('code' in expected) {
      await pressesNothing(on, short, expected.why);
    } else {
      await on.waitFor(`Execute: ${place.nameOf(short)} ${expected.to}`);
      on.press('x');
      await on.waitFor('[ Execute ]');
      on.press('Escape');
      await on.waitForGone('[ Execute ]');
    }
    for (const key of back) on.type(key);
  }
});

test('the dashboard offers no mode that an image has not', async () => {
  const on = await show();
  await moveTo(on, 'gateway');
  on.press('m');
  await on.waitFor('Image Tag is its only mode.');
  await dropFilter(on);
  await moveTo(on, 'front');
  const seen: string[] = [];
  for (const mode of ['Designated', 'Latest', 'Build & Deploy', 'Designated']) {
    await on.waitUntil(mode, () => rowOf(on).includes(`  ${mode} `));
    seen.push(mode);
    on.press('m');
  }
  expect(seen).toHaveLength(4);
});

interface Condition {
  what: string;
  on: Short;
  bring(): Promise<unknown>;
  args?: string[];
  code: string;
  exitCode: number;
  why: RegExp;
}

const CONDITIONS: readonly Condition[] = [
  {
    what: 'the connection is read-only',
    on: 'front',
    bring: async () => {},
    args: ['--read-only'],
    code: 'read-only',
    exitCode: 2,
    why: /This connection is read-only/,
  },
  {
    what: 'a job runs on the server',
    on: 'front',
    bring: holdJob,
    code: 'job-running',
    exitCode: 2,
    why: /The job \S+ is running on web/,
  },
  {
    what: 'the server is not running',
    on: 'front-too',
    bring: () => place.hosts.b.docker('stop', '-t', '0', place.nameOf('front-too')),
    code: 'server-not-running',
    exitCode: 2,
    why: /shop is not running: \S+ exited with \d+/,
  },
  {
    what: 'its agent can not be reached',
    on: 'front-too',
    bring: () => place.agents.beta.stop('SIGKILL'),
    code: 'agent-unreachable',
    exitCode: 5,
    why: /The agent beta can't be used: The agent is not running/,
  },
];

/** A job that waits for as long as the test takes: for its build, which does. */
async function holdJob(): Promise<void> {
  const file = `${place.dir}/held.yaml`;
  const map = parse(await readFile(place.mapFile, 'utf8'));
  map.services.shop.builds.storefront.command = {
    image: `${place.registry}/test/faulty:ok`,
    run: 'sleep 600',
  };
  await writeFile(file, stringify(map));
  const words = ['execute', target('front'), '--build', '--confirm', '--file', file];
  const held = execa(process.execPath, [TOWLINE, ...words], {
    cwd: place.dir,
    env: place.env,
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
  });
  onTestFinished(async () => {
    await done('build', 'cancel', 'storefront');
    expect((await held).exitCode).toBe(3);
  });
  let said = '';
  held.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  await vi.waitUntil(() => said.includes('DOWNLOAD: DONE'), 20_000);
}

test.each(CONDITIONS.map((condition) => [condition.what, condition] as const))(
  'no mode is armed where %s',
  async (_what, { on: short, bring, args = [], code, exitCode, why }) => {
    await bring();
    const words = ['batch', '--plan', '--json', '--set', `${target(short)}=build`, ...args];
    const ran = await place.run(...words);
    const refused = [{ code, message: expect.stringMatching(why) }];
    expect(ran.json()).toMatchObject({ taskCount: 0, refused });
    expect(ran.code).toBe(exitCode);
    const on = await show(...args);
    await moveTo(on, short);
    // Designated, Latest, and a Build & Deploy that is to be confirmed.
    for (const key of ['', 'm', 'm ']) {
      on.type(key);
      await pressesNothing(on, short, why);
    }
  },
);
