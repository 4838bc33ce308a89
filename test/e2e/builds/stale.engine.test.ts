import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openTerminal, type Terminal } from '@towline/test/terminal';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type BuildPlace, createBuildPlace } from '../cli/build-place.ts';
import { TOWLINE } from '../cli/towline-process.ts';
import { filterTo } from '../filter-to.ts';
import { openSlowWay, type SlowWay } from './slow-way.ts';

const FIRST = '1.4.0.B000001';
const SECOND = '1.4.0.B000002';

let place: BuildPlace;
let way: SlowWay;
/** A dashboard whose calls can be held up, as those of `--file slowly`. */
let terminal: Terminal;
let slowly: string;

const target = (short: string) => `web/${place.nameOf(short)}`;

beforeAll(async () => {
  place = await createBuildPlace();
  way = await openSlowWay(join(place.dir, 'slow.sock'), place.agents.alpha.socket);
  slowly = join(place.dir, 'slowly.yaml');
  const map = await readFile(place.mapFile, 'utf8');
  await writeFile(slowly, map.replace(place.agents.alpha.socket, way.socket));
  await done('batch', '--yes', '--set', `${target('gateway')}=tag:ok`, `${target('front')}=build`);
  await done('build', 'run', 'storefront');
});

beforeEach(async () => {
  const args = [TOWLINE, '--file', slowly];
  const size = { cols: 160, rows: 40 };
  terminal = openTerminal({ command: process.execPath, args, cwd: place.dir, env: place.env, ...size });
  await terminal.waitFor('? Help');
});

afterEach(() => terminal.close());

afterAll(async () => {
  await way?.close();
  await place?.close();
});

/** What somebody does who is not held up. */
async function done(...words: string[]): Promise<void> {
  const { code, stderr } = await place.run(...words);
  expect(code, stderr).toBe(0);
}

interface Row {
  mode: string;
  container: string;
  /** What is chosen, at the keyboard and as words, and how the row shows it. */
  choose: () => Promise<void> | void;
  words: string[];
  armed: RegExp;
  /** The first call that it is sent with. */
  call: 'execute' | 'runBuild';
  meanwhile: () => Promise<unknown>;
  code: string;
  reason: RegExp;
  runs: string;
}

const ROWS: readonly Row[] = [
  {
    mode: 'Image Tag',
    container: 'gateway',
    choose: () => terminal.type('tok2\r'),
    words: ['--tag', 'ok2'],
    armed: /◆ armed .*Image Tag +ok2/,
    call: 'execute',
    meanwhile: () => done('execute', target('gateway'), '--tag', 'ok2'),
    code: 'same-version',
    reason: /runs ok2\s+already/,
    runs: 'ok2',
  },
  {
    mode: 'Latest',
    container: 'front',
    choose: () => terminal.press('m'),
    words: ['--latest'],
    armed: new RegExp(`◆ armed .*Latest +${SECOND}`),
    call: 'execute',
    meanwhile: () => done('execute', target('front'), '--latest'),
    code: 'same-version',
    reason: new RegExp(`runs ${SECOND}\\s+already`),
    runs: SECOND,
  },
  {
    mode: 'Designated',
    container: 'front',
    async choose() {
      terminal.press('v');
      await terminal.waitFor(new RegExp(`${SECOND} +● deployed`));
      terminal.press('j');
      await terminal.waitFor(new RegExp(`▸ ${FIRST}`));
      terminal.press('Enter');
    },
    words: ['--designated', FIRST],
    armed: new RegExp(`◆ armed .*Designated +${FIRST}`),
    call: 'execute',
    meanwhile: () => done('execute', target('front'), '--designated', FIRST),
    code: 'same-version',
    reason: new RegExp(`runs ${FIRST}\\s+already`),
    runs: FIRST,
  },
  {
    mode: 'Build & Deploy',
    container: 'front',
    choose: () => terminal.press('m', 'm', 'Space'),
    words: ['--build', '--confirm'],
    armed: /◆ armed .*◆ armed .*\[x\] Confirm Execute/,
    call: 'runBuild',
    meanwhile: () => place.hosts.a.docker('stop', '-t', '0', place.nameOf('front'), place.nameOf('gateway')),
    code: 'server-not-running',
    reason: /web is not\s+running/,
    runs: FIRST,
  },
];

test.each(ROWS.map((row) => [row.mode, row] as const))(
  '%s that was armed on the screen is refused by what the agent finds',
  async (_mode, { container, choose, words, armed, call, meanwhile, code, reason, runs }) => {
    await filterTo(terminal, place.nameOf(container));
    await terminal.waitFor(/▸ +clib-/);
    await choose();
    await terminal.waitFor(armed);
    terminal.press('x');
    await terminal.waitFor('[ Execute ]');

    way.hold(call);
    const executes = place.run('execute', target(container), ...words, '--json', '--file', slowly);
    await way.held(1);
    terminal.press('Enter');
    await way.held(2);
    await meanwhile();

    way.release();
    const executed = await executes;
    expect(executed.stderr).toMatch(reason);
    expect(executed.code).toBe(2);
    expect(executed.json()).toMatchObject({ jobs: [{ state: 'REFUSED', refusal: { code } }] });

    way.release();
    await terminal.waitFor('⊘ REFUSED');
    await terminal.waitFor(reason);
    expect(await place.runs('a', container)).toBe(runs);
  },
);
