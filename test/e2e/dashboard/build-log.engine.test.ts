import { randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { residentBytes } from '@towline/test/sandbox';
import { openTerminal, type Terminal } from '@towline/test/terminal';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type BuildPlace, createBuildPlace } from '../cli/build-place.ts';
import { TOWLINE } from '../cli/towline-process.ts';
import { filterTo } from '../filter-to.ts';
import { wayTo } from '../severable-way.ts';

let place: BuildPlace;
let map: string;
const open: Terminal[] = [];

beforeAll(async () => {
  place = await createBuildPlace();
  map = await readFile(place.mapFile, 'utf8');
});

afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.close();
  await writeFile(place.mapFile, map);
  // A run that a failed test left waiting holds up the next one.
  for (const gate of GATES) await release(gate);
});

afterAll(async () => {
  await place.close();
});

interface Shown {
  cols?: number;
  rows?: number;
  env?: Readonly<Record<string, string>>;
}

function openTowline(words: readonly string[], { cols = 140, rows = 40, env = {} }: Shown): Terminal {
  const terminal = openTerminal({
    command: process.execPath,
    args: [TOWLINE, ...words],
    cwd: place.dir,
    env: { ...place.env, ...env },
    cols,
    rows,
  });
  open.push(terminal);
  return terminal;
}

/** The build log of the last run of the storefront, at its step BUILD. */
async function showLog(shown: Shown = {}): Promise<Terminal> {
  const terminal = openTowline([], shown);
  await terminal.waitFor('? Help');
  await filterTo(terminal, place.nameOf('front'));
  await terminal.waitFor(/RUNNING 2|✓ DONE|✗ ERROR/);
  terminal.press('L');
  await terminal.waitFor('Build log');
  terminal.press('2');
  await terminal.waitFor(/\[2 . BUILD/);
  return terminal;
}

/** What a command waits for with `until [ -e GATE ]`. */
const GATES = ['go', 'on', 'end'] as const;

/** Begins a run whose BUILD is a command, with every gate closed. */
async function begin(...command: string[]): Promise<{ end(): Promise<string> }> {
  const fleet = await place.fleet();
  onTestFinished(() => fleet.close());
  const saved = await fleet.saveBuild('shop', 'storefront', {
    command: {
      image: `${place.registry}/test/faulty:ok`,
      run: [`rm -f ${GATES.join(' ')}`, ...command].join('\n'),
    },
  });
  if (!saved.ok) throw new Error(saved.error.message);
  const definition = fleet.store.getState().services[0]?.builds.find(({ name }) => name === 'storefront');
  if (definition === undefined) throw new Error('the map has no build');
  const begun = await fleet.runBuild('alpha', {
    key: randomUUID(),
    service: 'shop',
    definition,
    operator: 'ada',
  });
  if (!begun.ok) throw new Error(begun.error.message);
  const run = begun.value.runId;
  return {
    async end() {
      for await (const event of fleet.followBuildRun('alpha', run, new AbortController().signal)) {
        if (event.type === 'ended') return event.state;
      }
      return 'cut off';
    },
  };
}

async function release(gate: (typeof GATES)[number]): Promise<void> {
  await writeFile(join(place.dir, 'alpha/state/sources/shop%2Fstorefront/files', gate), '');
}

/** The log of the last run's BUILD, as its agent has it. */
async function logFile(): Promise<string> {
  const folder = join(place.dir, 'alpha/state/logs/shop%2Fstorefront');
  const runs = (await readdir(folder)).sort();
  return await readFile(join(folder, runs.at(-1) ?? '', 'build.log'), 'utf8');
}

const row = (terminal: Terminal, text: string) => terminal.screen().findIndex((line) => line.includes(text));

test('a log in colours, with bars, broken bytes and a line of a megabyte', async () => {
  const run = await begin(
    "printf '\\033[31mred\\033[0m and \\033[1;38;5;208morange\\033[0m\\n'",
    "printf '\\033[44mon blue and never reset\\n'",
    "printf 'plain \\033[2J\\033[H\\033[5A\\033]0;title\\007still here\\n'",
    "printf '10 %%\\r\\033[32m50 %%\\r\\033[32m100 %%\\033[0m done\\n'",
    "printf 'caf\\351 \\377\\376!\\n'",
    "printf '\\033[31mer\\033[33mror: in two colours\\033[0m\\n'",
    "head -c 500000 /dev/zero | tr '\\0' x",
    "printf '\\033[35mneedle\\033[0m'",
    "head -c 548576 /dev/zero | tr '\\0' y; echo THE END",
    'seq 100',
  );
  expect(await run.end()).toBe('DONE');
  const terminal = await showLog();
  await terminal.waitFor('■ ended');
  terminal.press('g');
  await terminal.waitFor('on blue');
  const cells = (text: string, of = terminal) => {
    const at = row(of, text);
    return of.cells(at).slice((of.screen()[at] ?? '').indexOf(text));
  };
  expect(cells('red and orange')[0]?.foreground).toBe(1);
  expect(cells('orange')[0]).toMatchObject({ foreground: 208, bold: true });
  expect(cells('on blue and never reset')[0]?.background).toBe(4);
  // No further than its line: not into the rest of its row, the next one, or the frame.
  const blue = row(terminal, 'on blue');
  expect(
    terminal
      .cells(blue)
      .slice('  on blue and never reset'.length)
      .every(({ plain }) => plain),
  ).toBe(true);
  expect(terminal.cells(blue + 1).every(({ plain, text }) => plain || text === '')).toBe(true);
  expect(terminal.screen()[blue + 1]).toBe('  plain still here');
  expect(terminal.screen()[blue + 2]).toBe('  100 % done');
  expect(cells('100 % done')[0]?.foreground).toBe(2);
  expect(terminal.screen()[blue + 3]).toBe('  caf\ufffd \ufffd\ufffd!');
  expect(terminal.screen()[0]).toMatch(/^ Towline/);

  // What is looked for is the text, whatever colours are in it.
  terminal.press('e');
  await terminal.waitFor(/^▸ error: in two colours/m);
  terminal.type('/NEEDLE\r');
  await terminal.waitFor(/^▸ …x+needley+… 1,048,5\d\d bytes/m);
  expect(cells('needle')[0]).toMatchObject({ foreground: 3, bold: true });
  terminal.press('w');
  await terminal.waitFor(/^▸ x+needley+$/m);
  terminal.press('}');
  await terminal.waitFor(/y+THE END$/m);
  terminal.press('j');
  await terminal.waitFor(/THE END\n {2}1$/m);
  terminal.press('{', '{');
  await terminal.waitFor(/^ {2}x+\n {2}x+/m);
  await terminal.waitFor(/ 0 % into it|\d % into it/);
  terminal.press('G');
  await terminal.waitFor(/^ {2}100 *$/m);

  // The command as well, where a terminal reads what it prints.
  const all = openTowline(['build', 'log', 'storefront', '--step', 'build'], { cols: 1_000, rows: 1_200 });
  await all.waitFor(/^plain still here/m);
  expect(cells('red and orange', all)[0]?.foreground).toBe(1);
  expect(cells('plain still here', all)[0]?.plain).toBe(true);

  const plain = await showLog({ cols: 80, rows: 24, env: { NO_COLOR: '1' } });
  await plain.waitFor('■ ended');
  plain.press('g');
  await plain.waitFor('on blue');
  for (const [at, line] of plain.screen().entries()) {
    if (line.startsWith(' Towline') || /Help$/.test(line)) continue;
    expect(plain.cells(at).every((cell) => cell.plain && !cell.bold)).toBe(true);
  }
});

/** Of 100 bytes, so that what keeps some of each of a million lines is noticed. */
const LINE = 'of a build that writes a whole line for every little thing that it does, as many of them do';
const lines = (from: number, to: number) =>
  `awk 'BEGIN { for (at = ${from}; at <= ${to}; at++) print at " ${LINE}" }'`;
/**
 * In MB. Each takes some 50 once, for the young objects of its heap, however much is printed, and up to 90 on a machine that
 * is busy; one that kept the lines between the two looks would take 90 more than that.
 */
const MOST_GROWTH = 110;

test('a million lines: the end is on the screen, the middle is found, and neither program grows', {
  timeout: 180_000,
}, async () => {
  const run = await begin(
    lines(1, 100_000),
    'until [ -e go ]; do sleep 0.1; done',
    `${lines(100_001, 500_000)}; echo a needle in the middle; ${lines(500_001, 1_000_000)}`,
    'until [ -e on ]; do sleep 0.1; done',
  );
  const memory = async (pid: number) => (await residentBytes(pid)) / 1024 / 1024;
  const terminal = await showLog();
  const both = () => Promise.all([memory(place.agents.alpha.pid), memory(terminal.pid)]);
  await terminal.waitFor(/^ {2}100000 of/m);
  const [agentBefore, screenBefore] = await both();
  await release('go');
  await terminal.waitFor(/^ {2}1000000 of/m, { timeout: 120_000 });
  await terminal.waitFor('● following');
  const [agentAfter, screenAfter] = await both();
  expect(agentAfter - agentBefore).toBeLessThan(MOST_GROWTH);
  expect(screenAfter - screenBefore).toBeLessThan(MOST_GROWTH);
  // Each of them once, in order, whatever of it was shown.
  const written = (await logFile()).split('\n').filter((line) => line.endsWith(LINE));
  expect(written.length).toBe(1_000_000);
  expect(written.every((line, at) => line === `${at + 1} ${LINE}`)).toBe(true);

  terminal.type('/NEEDLE\r');
  await terminal.waitFor(/^ {2}500000 of .*\n▸ a needle in the middle *\n {2}500001 of/m);
  terminal.press('PageDown');
  await terminal.waitFor(/^ {2}50003\d of/m);
  terminal.press('f');
  await terminal.waitFor(/^ {2}1000000 of/m);
  await release('on');
  expect(await run.end()).toBe('DONE');
});

test('a link that goes in the middle of a log: the screen says so, counts no time on, and misses no line', async () => {
  const way = await wayTo(place.agents.alpha.socket, join(place.dir, 'way.sock'));
  onTestFinished(() => way.close());
  await writeFile(place.mapFile, map.replace(place.agents.alpha.socket, way.path));
  const run = await begin(
    'seq 1000',
    'until [ -e go ]; do sleep 0.1; done',
    'seq 1001 9000',
    'until [ -e on ]; do sleep 0.1; done; seq 9001 9100; until [ -e end ]; do sleep 0.1; done',
  );
  const terminal = await showLog({ cols: 80, rows: 24 });
  await terminal.waitFor(/^ {2}1000 *$/m);
  await way.sever();
  await terminal.waitFor(/○ reconnecting… +\S+/);
  await terminal.waitFor(/✗ The link to alpha is lost, last seen .* This is how it stood then\./);
  terminal.press('c');
  await terminal.waitFor("Cancelling needs alpha, and it can't be reached.");
  const clock = () => terminal.screen()[1];
  const stood = clock();
  expect(stood).toMatch(/RUNNING/);
  await release('go');
  // A clock that went on would show another second by then.
  await terminal.waitFor(/last seen ([2-9]|\d\d) s ago/);
  expect(clock()).toBe(stood);
  await way.mend();
  await terminal.waitForGone('reconnecting');
  await terminal.waitFor(/^ {2}9000 *$/m);
  await terminal.waitFor('● following');
  await release('on');
  await terminal.waitFor(/^ {2}9100 *$/m);
  // Back over where it was cut: what came before it, what was left out of the screen, and what came after.
  terminal.type('/1000\r');
  await terminal.waitFor(/^ {2}999 *\n▸ 1000 *\n {2}1001 *\n {2}1002/m);
  terminal.press('f');
  await terminal.waitFor('● following');
  await terminal.waitFor(/^ {2}9100 *$/m);
  const shown = () => terminal.screen().flatMap((line) => (/^ {2}\d+ *$/.test(line) ? [Number(line)] : []));
  for (let page = 0; page < 5; page += 1) {
    const numbers = shown();
    expect(numbers.length).toBeGreaterThan(10);
    expect(numbers).toEqual(numbers.map((_, at) => (numbers[0] ?? 0) + at));
    terminal.press('PageUp');
    await terminal.waitUntil('another page', () => shown()[0] !== numbers[0]);
  }
  await release('end');
  expect(await run.end()).toBe('DONE');
});

test('an agent that is killed and started again in the middle of a log: its lines are there, once each, and why it ended', async () => {
  await begin('seq 3000', 'until [ -e go ]; do sleep 0.1; done');
  const terminal = await showLog({ cols: 80, rows: 24 });
  await terminal.waitFor(/^ {2}3000 *$/m);
  await expect.poll(logFile).toContain('\n3000\n');
  await place.agents.alpha.stop('SIGKILL');
  await terminal.waitFor('○ reconnecting…');
  await place.restartAlpha();
  await terminal.waitFor(/✗ ERROR 2\/4/);
  await terminal.waitFor('■ ended');
  terminal.type('/3000\r');
  await terminal.waitFor(/^ {2}2999 *\n▸ 3000/m);
  expect((await logFile()).split('\n').filter((line) => /^\d+$/.test(line))).toEqual(
    Array.from({ length: 3_000 }, (_, at) => String(at + 1)),
  );
});
