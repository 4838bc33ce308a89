import { openTerminal, type Terminal } from '@towline/test/terminal';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createShopPlace, type ShopPlace } from '../cli/shop-place.ts';
import { TOWLINE } from '../cli/towline-process.ts';
import { clockBehind } from '../clock-behind.ts';
import { filterTo } from '../filter-to.ts';

let place: ShopPlace;
const open: Terminal[] = [];

beforeAll(async () => {
  place = await createShopPlace();
});

/** The tags that every test begins with. */
const START = [
  'web/gateway=tag:1.0.0',
  'web/storefront=tag:2.0.0',
  'cache/cache=tag:7.2.0',
  'faulty/probe=tag:ok',
];

beforeEach(async () => {
  const choices = START.map((choice) =>
    choice.replace(/\/(\w+)=/, (_, short: string) => `/${place.nameOf(short)}=`),
  );
  const { code, stderr } = await place.run('batch', '--yes', '--set', ...choices);
  // Nothing is armed where all of them have theirs.
  expect([0, 2], stderr).toContain(code);
});

afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.close();
});

afterAll(async () => {
  await place.close();
});

function show(
  size: { cols: number; rows: number } = { cols: 140, rows: 40 },
  env: NodeJS.ProcessEnv = {},
): Terminal {
  const terminal = openTerminal({
    command: process.execPath,
    args: [TOWLINE],
    cwd: place.dir,
    env: { ...place.env, ...env },
    ...size,
  });
  open.push(terminal);
  return terminal;
}

/** The row of a container, as far as its name can be cut at this size. */
function row(short: string, ...cells: string[]): RegExp {
  return new RegExp([`${place.nameOf(short)} .*`, ...cells].join('.*'));
}

/** With the cursor on a container, by the filter that finds it alone. */
async function moveTo(terminal: Terminal, short: string): Promise<void> {
  await filterTo(terminal, place.nameOf(short));
  // At 80 columns its name is cut in the middle.
  await terminal.waitFor(/▸ +cli-/);
}

test('Execute, from the table to DONE', async () => {
  const terminal = show();
  await terminal.waitFor(row('gateway', '1\\.0\\.0', 'running'));
  await moveTo(terminal, 'gateway');
  terminal.type('t1.1.0\r');
  await terminal.waitFor('◆ armed');
  terminal.press('x');
  await terminal.waitFor('[ Execute ]');
  terminal.press('Enter');
  await terminal.waitFor('Job on');
  await terminal.waitFor('✓ DONE ');
  await terminal.waitFor(/✓ DONE {3}\d+(\.\d)? (s|min)/);
  terminal.press('Escape');
  await terminal.waitFor(row('gateway', '1\\.1\\.0', 'running'));
  await terminal.waitForGone('◆ armed');
  expect(await place.deployed('web', 'gateway')).toBe('1.1.0');
});

test('a version is picked from the registry', async () => {
  const terminal = show({ cols: 100, rows: 30 });
  await terminal.waitFor('1.0.0');
  await moveTo(terminal, 'gateway');
  terminal.press('v');
  await terminal.waitFor('4 tags, 1.0.0 deployed');
  await terminal.waitFor(/1\.0\.0 .*● deployed/);
  terminal.type('/1.2.0\r\r');
  await terminal.waitFor('◆ armed');
});

test('one that fails ends RESTORED, with the reason and the last lines of the container', async () => {
  const terminal = show();
  await terminal.waitFor(row('probe', 'ok', 'running'));
  await moveTo(terminal, 'probe');
  terminal.type('texits\rx');
  await terminal.waitFor('[ Execute ]');
  terminal.press('Enter');
  await terminal.waitFor('↺ RESTORED');
  await terminal.waitFor('The old version serves again');
  await terminal.waitFor('line 300');
  terminal.press('Escape');
  await terminal.waitFor(row('probe', 'ok', 'running'));
  await terminal.waitFor('↺ RESTORED');
  expect(await place.deployed('faulty', 'probe')).toBe('ok');
});

test('a tag that the registry has not is REFUSED, and nothing was touched', async () => {
  const terminal = show({ cols: 80, rows: 24 });
  await terminal.waitFor('1.0.0');
  await moveTo(terminal, 'gateway');
  terminal.type('tnosuch\rx');
  await terminal.waitFor('[ Execute ]');
  terminal.press('Enter');
  await terminal.waitFor('⊘ REFUSED');
  await terminal.waitFor('Nothing was touched.');
});

test('Batch Execute shows its plan, Cancel is its default, and each server is for itself', async () => {
  const terminal = show();
  await terminal.waitFor(row('probe', 'ok', 'running'));
  for (const [short, tag] of [
    ['gateway', '1.1.0'],
    ['cache', '7.4.0'],
    ['probe', 'exits'],
  ] as const) {
    await moveTo(terminal, short);
    terminal.type(`t${tag}\r`);
    await terminal.waitFor('◆ armed');
    terminal.press('Escape');
    await terminal.waitForGone('Filter:');
  }
  terminal.press('b');
  await terminal.waitFor('Batch Execute: 3 tasks on 3 servers');
  await terminal.waitFor('[ Cancel ]');
  terminal.press('Enter');
  await terminal.waitForGone('[ Cancel ]');
  expect(await place.deployed('cache', 'cache')).toBe('7.2.0');
  terminal.press('b');
  await terminal.waitFor('[ Cancel ]');
  terminal.press('Tab');
  await terminal.waitFor('[ Execute ]');
  terminal.press('Enter');
  await terminal.waitFor('2 DONE');
  await terminal.waitFor('1 RESTORED');
  expect(await place.deployed('cache', 'cache')).toBe('7.4.0');
  expect(await place.deployed('web', 'gateway')).toBe('1.1.0');
  expect(await place.deployed('faulty', 'probe')).toBe('ok');
});

test.each([
  ['quit', (terminal: Terminal) => terminal.press('Ctrl-C')],
  ['killed', (terminal: Terminal) => terminal.kill('SIGKILL')],
])('%s in the middle of a job, the job ends as if nobody had left, and is there again', async (_, leave) => {
  const first = show();
  await first.waitFor(row('probe', 'ok', 'running'));
  await moveTo(first, 'probe');
  first.type('theld\rx');
  await first.waitFor('[ Execute ]');
  first.press('Enter');
  await first.waitFor(/◐ RUNNING .*check the new container/);
  leave(first);
  await first.exited;
  const second = show();
  await second.waitFor(/faulty on alpha .*◐ RUNNING \d+\/\d+/);
  await moveTo(second, 'probe');
  second.press('o');
  await second.waitFor('◐ RUNNING');
  await place.failHeld();
  await second.waitFor('↺ RESTORED');
  await second.waitFor('The old version serves again');
});

test('what is done by hand shows', async () => {
  const { b } = place.hosts;
  const cache = place.nameOf('cache');
  const terminal = show();
  await terminal.waitFor(row('cache', '7\\.2\\.0', 'running'));
  await b.docker('stop', cache);
  await terminal.waitFor(row('cache', '7\\.2\\.0', 'exited'));
  await terminal.waitFor(/○ Stopped +cache on beta/);
  await b.docker('rm', cache);
  await terminal.waitFor(row('cache', '–', 'absent'));
  await b.docker('run', '-d', '--name', cache, `${place.registry}/shop/cache:7.4.0`);
  await terminal.waitFor(row('cache', '7\\.4\\.0', 'running'));
});

test('an agent that goes is shown with its reason, and is there again when it is', async () => {
  const terminal = show();
  await terminal.waitFor(row('gateway', '1\\.0\\.0', 'running'));
  await place.agents.alpha.stop('SIGKILL');
  await terminal.waitFor(/✗ Unreachable +web on alpha .*last seen/);
  await moveTo(terminal, 'gateway');
  await terminal.waitFor("The agent alpha can't be used: The agent is not running");
  await place.restartAlpha();
  await terminal.waitFor(/● Running +web on alpha/);
});

test('a job whose agent is killed says that nobody sees it, and how it ended once the agent is back', async () => {
  const terminal = show();
  await terminal.waitFor(row('probe', 'ok', 'running'));
  await moveTo(terminal, 'probe');
  terminal.type('theld\rx');
  await terminal.waitFor('▸ [ Execute ]');
  terminal.press('Enter');
  await terminal.waitFor(/◐ RUNNING .*check the new container/);
  await place.agents.alpha.stop('SIGKILL');
  await terminal.waitFor(/The link to alpha is lost, last seen ([2-9]|\d\d) s ago/);
  const clock = () => /◐ RUNNING {3}[\d.]+ s/.exec(terminal.screen().join('\n'))?.[0];
  const stopped = clock();
  expect(stopped).toBeDefined();
  terminal.press('c');
  await terminal.waitFor("Cancelling needs alpha, and it can't be reached.");
  await terminal.waitForGone(/last seen [2-3] s ago/);
  expect(clock()).toBe(stopped);
  await place.failHeld();
  await place.restartAlpha();
  await terminal.waitFor('↺ RESTORED');
  await terminal.waitForGone('The link to alpha is lost');
});

test("a container's own log is followed", async () => {
  const terminal = show({ cols: 80, rows: 24 });
  await terminal.waitFor('1.0.0');
  const { a } = place.hosts;
  const probe = place.nameOf('probe');
  await moveTo(terminal, 'probe');
  terminal.press('l');
  await terminal.waitFor(`Log of ${probe} on alpha`);
  await a.docker('exec', probe, '/bin/sh', '-c', 'echo said by hand > /proc/1/fd/1');
  await terminal.waitFor('said by hand');
  await terminal.waitFor('● following');
});

test('what an agent did is as old as it is, also where its clock is another', async () => {
  const terminal = show({ cols: 140, rows: 40 }, clockBehind(26 * 3_600_000));
  // The tests before this one may have taken minutes since.
  await terminal.waitFor(/web on alpha .* ✓ DONE (just now|\d+ (s|min) ago)/);
  await moveTo(terminal, 'gateway');
  terminal.press('i');
  await terminal.waitFor(/clock +alpha's clock is 1 d [12] h ahead of this machine's\./);
  terminal.press('Escape', 'J');
  await terminal.waitFor(/✓ DONE .* (just now|\d+ (s|min) ago) +\d+(\.\d)? s/);
  expect(terminal.screen().join('\n')).not.toMatch(/\d [hd] ago/);
});
