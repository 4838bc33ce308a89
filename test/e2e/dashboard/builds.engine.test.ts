import { readFile, writeFile } from 'node:fs/promises';
import { openTerminal, type Terminal } from '@towline/test/terminal';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type BuildPlace, createBuildPlace } from '../cli/build-place.ts';
import { TOWLINE } from '../cli/towline-process.ts';
import { filterTo } from '../filter-to.ts';

let place: BuildPlace;
const open: Terminal[] = [];

beforeAll(async () => {
  place = await createBuildPlace();
});

afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.close();
});

afterAll(async () => {
  await place.close();
});

function show(size: { cols: number; rows: number } = { cols: 160, rows: 40 }): Terminal {
  const terminal = openTerminal({
    command: process.execPath,
    args: [TOWLINE],
    cwd: place.dir,
    env: place.env,
    ...size,
  });
  open.push(terminal);
  return terminal;
}

/** With the cursor on a container, by the filter that finds it alone. */
async function moveTo(terminal: Terminal, short: string): Promise<void> {
  await terminal.waitFor('? Help');
  await filterTo(terminal, place.nameOf(short));
  await terminal.waitFor(/▸ +clib-/);
}

/** Back to the whole table, with the filter dropped. */
async function dropFilter(terminal: Terminal): Promise<void> {
  terminal.press('Escape');
  await terminal.waitForGone('Filter:');
}

/** Build & Deploy for a container, with Confirm Execute checked. */
async function confirmBuild(terminal: Terminal, short: string): Promise<void> {
  await moveTo(terminal, short);
  terminal.type('mm');
  await terminal.waitFor('[ ] Confirm');
  terminal.press('Space');
  // Armed: its agent has answered by now.
  await terminal.waitFor(/◆ armed .*\[x\] Confirm/);
}

async function executeBuild(terminal: Terminal, short: string): Promise<void> {
  await confirmBuild(terminal, short);
  terminal.press('x');
  await terminal.waitFor('[ Execute ]');
  terminal.press('Enter');
}

test('Build & Deploy, from the checkbox to a container that runs what was built', async () => {
  const terminal = show();
  await moveTo(terminal, 'front');
  await terminal.waitFor(/Designated/);
  terminal.press('m');
  await terminal.waitFor('No build of');
  terminal.press('m', 'Space');
  await terminal.waitFor(/◆ armed .*◆ armed .*\[x\] Confirm Execute/);
  terminal.press('x');
  await terminal.waitFor('build storefront on alpha first');
  terminal.press('Enter');
  await terminal.waitFor(/◐ RUNNING +build storefront 1\.4\.0\.B000001/);
  await terminal.waitFor(/✓ DONE +build storefront/);
  await terminal.waitFor(/✓ DONE +web on alpha/);
  terminal.press('Escape');
  await terminal.waitFor(/1\.4\.0\.B000001 +✓ DONE +1\.4\.0\.B000001 +running .*\[ \] Confirm Execute/);
  expect(await place.runs('a', 'front')).toBe('1.4.0.B000001');
});

test('two tasks of one build on two servers share one run, and both run its image', async () => {
  await place.repository.commit({ message: 'Paint the door', files: { page: 'two\n' } });
  const terminal = show();
  await confirmBuild(terminal, 'front');
  await dropFilter(terminal);
  await confirmBuild(terminal, 'front-too');
  await dropFilter(terminal);
  terminal.press('b');
  await terminal.waitFor('Batch Execute: 2 tasks on 2 servers');
  await terminal.waitFor('one run for 2 tasks:');
  terminal.press('Tab', 'Enter');
  await terminal.waitFor('✓ 1 build DONE');
  await terminal.waitFor('2 DONE');
  expect(await place.runs('a', 'front')).toBe('1.4.0.B000002');
  expect(await place.runs('b', 'front-too')).toBe('1.4.0.B000002');
});

test('an older image is designated with what it takes back, and Latest brings the newest again', async () => {
  const terminal = show();
  await moveTo(terminal, 'front');
  terminal.press('v');
  await terminal.waitFor(/1\.4\.0\.B000002 +● deployed/);
  terminal.press('j');
  await terminal.waitFor('A rollback: takes back 1 commit');
  await terminal.waitFor('Paint the door');
  terminal.press('Enter');
  await terminal.waitFor('→ 1.4.0.B000001');
  terminal.press('x');
  await terminal.waitFor('[ Execute ]');
  terminal.press('Enter');
  await terminal.waitFor(/✓ DONE {3}\d+(\.\d)? (s|min)/);
  expect(await place.runs('a', 'front')).toBe('1.4.0.B000001');
  terminal.press('Escape');
  await terminal.waitForGone('Job on');
  terminal.press('m');
  await terminal.waitFor(/Latest +1\.4\.0\.B000002/);
  terminal.press('x');
  await terminal.waitFor('[ Execute ]');
  terminal.press('Enter');
  await terminal.waitFor(/✓ DONE {3}\d+(\.\d)? (s|min)/);
  expect(await place.runs('a', 'front')).toBe('1.4.0.B000002');
});

test('a build that fails deploys nothing, and its log opens at the error', async () => {
  await place.repository.commit({
    message: 'Break it',
    files: { Dockerfile: place.dockerfile('RUN echo error: the roof is off >&2; exit 3') },
  });
  const terminal = show();
  await executeBuild(terminal, 'front');
  await terminal.waitFor(/✗ ERROR +build storefront/);
  await terminal.waitFor(/⊘ REFUSED +web on alpha/);
  await terminal.waitFor(/Nothing was deployed on\s+web/);
  expect(await place.runs('a', 'front')).toBe('1.4.0.B000002');
  terminal.press('Enter');
  await terminal.waitFor(/\[2 ✗ CREATE IMAGE/);
  terminal.press('e');
  await terminal.waitFor(/^▸ .*the roof is off/m);
  terminal.press('s');
  await terminal.waitFor('Steps of the image');
  await terminal.waitFor(/✗ ERROR .*RUN echo/);
  terminal.press('Escape', '1');
  await terminal.waitFor('[1 ✓ DOWNLOAD');
  terminal.type('aas we feared\r');
  await terminal.waitFor('Note: as we feared');
});

test('a run is cancelled from its log, the safe answer being the default, and deploys nothing', async () => {
  await place.repository.commit({
    message: 'Take a nap',
    files: { Dockerfile: place.dockerfile('RUN echo asleep; sleep 300') },
  });
  const terminal = show();
  await executeBuild(terminal, 'front');
  await terminal.waitFor(/◐ RUNNING +build storefront/);
  terminal.press('Enter');
  await terminal.waitFor(/^ {2}asleep/m);
  await terminal.waitFor('● following');
  terminal.press('c');
  await terminal.waitFor('[ Keep it running ]');
  terminal.press('Tab', 'Enter');
  await terminal.waitFor('■ CANCELLED');
  terminal.press('Escape');
  await terminal.waitFor(/⊘ REFUSED +web on alpha/);
  await terminal.waitFor('was cancelled');
  expect(await place.runs('a', 'front')).toBe('1.4.0.B000002');
});

test('whoever leaves during the build asks nobody to stay: the next dashboard has the job, and the new image runs', async () => {
  await place.repository.commit({ message: 'Wake up', files: { Dockerfile: place.dockerfile() } });
  const map = await readFile(place.mapFile, 'utf8');
  await place.downloadOverHttp();
  place.git.hold(0);
  try {
    const terminal = show();
    await executeBuild(terminal, 'front');
    await terminal.waitFor(/◐ RUNNING +build storefront 1\.4\.0\.B000005/);
    await terminal.waitFor(/◐ RUNNING +web on alpha .*: wait for the build/);
    terminal.press('Escape');
    await terminal.waitFor(/1\.4\.0\.B000005 +◐ RUNNING 1\/3 .* · WAIT/);
    terminal.type('q');
    expect(await terminal.exited).toEqual({ code: 0 });
    await terminal.waitFor(/job \S+ goes on on web; towline job \S+ --follow shows it/);

    const next = show();
    await moveTo(next, 'front');
    await next.waitFor(/1\.4\.0\.B000005 +◐ RUNNING 1\/3 .* · WAIT/);
    next.press('o');
    await next.waitFor(/◐ RUNNING +wait for the build .*1\.4\.0\.B000005; 1\/3 DOWNLOAD/);
    place.git.release();
    await next.waitFor(/✓ DONE +wait for the build/);
    await next.waitFor(/✓ DONE {3}\d+(\.\d)? (s|min)/);
    expect(await place.runs('a', 'front')).toBe('1.4.0.B000005');
  } finally {
    place.git.release();
    await writeFile(place.mapFile, map);
  }
});

test('Edit Build keeps what somebody else wrote, and the image name of a build that has run', async () => {
  await place.repository.commit({ message: 'Mend it', files: { Dockerfile: place.dockerfile() } });
  const terminal = show();
  await moveTo(terminal, 'front');
  terminal.press('e');
  await terminal.waitFor('As the map file has it.');
  await terminal.waitFor(/name .*locked: the build has run \d times/);
  const before = await readFile(place.mapFile, 'utf8');
  const comment = '# Written by hand.\n';
  await writeFile(place.mapFile, comment + before);
  // The version: under the source and a command that is off.
  terminal.type('jjjjjj');
  await terminal.waitFor(/▸ version +1\.4\.0/);
  terminal.press('Enter', 'Ctrl-U');
  terminal.type('2.0.0\r');
  await terminal.waitFor('1 change not saved');
  terminal.press('s');
  await terminal.waitFor('The map file was changed meanwhile');
  expect(await readFile(place.mapFile, 'utf8')).toBe(comment + before);
  terminal.press('Tab', 'Enter');
  await terminal.waitForGone('The map file was changed meanwhile');
  terminal.press('s');
  await terminal.waitFor('Saved to');
  const after = await readFile(place.mapFile, 'utf8');
  expect(after).toBe(comment + before.replace('1.4.0', '2.0.0'));
  terminal.press('r');
  await terminal.waitFor(/Build log 2\.0\.0\.B00000\d/);
  await terminal.waitFor(/✓ DONE {3}/);
});

test('a picker that is asked for before any agent has answered is there when one has', async () => {
  const terminal = show();
  await terminal.waitUntil('the screen is being taken', () => terminal.modes().alternateScreen);
  terminal.type(`/${place.nameOf('front')}\rGv`);
  await terminal.waitFor('Images of storefront');
  await terminal.waitFor(/● deployed/);
});
