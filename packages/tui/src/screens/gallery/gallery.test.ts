import { readFileSync } from 'node:fs';
import { bundleProgram, openTerminal, type Terminal, type TerminalOptions } from '@towline/test/terminal';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

// A bound for a busy machine; every wait in here is for something to show.
vi.setConfig({ testTimeout: 60_000 });

let gallery: Awaited<ReturnType<typeof bundleProgram>>;
const open: Terminal[] = [];

beforeAll(async () => {
  gallery = await bundleProgram(new URL('./main.ts', import.meta.url));
}, 60_000);
afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.close();
});
afterAll(() => gallery.remove());

function show(scene: string, options: Partial<TerminalOptions> = {}): Terminal {
  const terminal = openTerminal({ command: process.execPath, args: [gallery.program, scene], ...options });
  open.push(terminal);
  return terminal;
}

/** In a shell, which says afterwards what the terminal was left like. */
function showInShell(scene: string): Terminal {
  const script = `echo before; "$0" "$1" "$2"; echo "ended with $?"; stty -a | tr ';' '\\n' | grep -o -e '-\\?icanon' -e '-\\?echo '; exec sleep 60`;
  const terminal = openTerminal({
    command: 'sh',
    args: ['-c', script, process.execPath, gallery.program, scene],
  });
  open.push(terminal);
  return terminal;
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

const SIZES = [
  [80, 24],
  [140, 40],
] as const;

describe.each(SIZES)('at %i by %i', (cols, rows) => {
  const at = { cols, rows };

  test('the pipeline, with a row per task and its columns under each other', async () => {
    const terminal = show('demo', at);
    await terminal.waitFor(/gateway .*1\.0\.0 +running +Image Tag/);
    await terminal.waitFor('? Help');
    const lines = terminal.screen();
    expect(lines[0]).toMatch(/^ Towline {2}shop \/ demo .*towline\.yaml$/);
    expect(lines.at(-1)).toContain('(b Batch Execute)');
    const columns = lines
      .filter((line) => line.includes('Image Tag'))
      .map((line) => line.indexOf('Image Tag'));
    expect(columns.length).toBe(3);
    expect(new Set([...columns, lines[2]?.indexOf('MODE')]).size).toBe(1);
    expect(lines.some((line) => line.includes('BUILD'))).toBe(cols >= 120);
  });

  test('Execute, from the tag that is typed to the job that is done', async () => {
    const terminal = show('demo', at);
    await terminal.waitFor('gateway');
    terminal.type('t1.1.0\r');
    await terminal.waitFor('◆ armed');
    await terminal.waitFor('Batch Execute (1 task on 1 server)');
    terminal.press('x');
    await terminal.waitFor('[ Execute ]');
    terminal.press('Enter');
    await terminal.waitFor('look up the tag');
    await terminal.waitFor(/━+─* +\d+ %.*/);
    await terminal.waitFor('✓ DONE');
    terminal.press('Escape');
    await terminal.waitFor(/gateway .*1\.1\.0 +running/);
    expect(terminal.screen().join('\n')).not.toContain('armed ');
  });

  test('one that fails shows why, and the last lines of what failed', async () => {
    const terminal = show('demo', at);
    await terminal.waitFor('gateway');
    terminal.type('t2.0.0-exits\rx');
    await terminal.waitFor('[ Execute ]');
    terminal.press('Enter');
    await terminal.waitFor('↺ RESTORED');
    await terminal.waitFor('The new gateway exited with 7');
    await terminal.waitFor('The old version serves again');
    await terminal.waitFor('the gateway ends');
    terminal.press('g');
    await terminal.waitFor('✓ DONE      look up the tag');
  });

  test('a job whose agent is gone says since when, and is not shown to run on', async () => {
    const terminal = show('lost', at);
    await terminal.waitFor('gateway');
    terminal.press('o');
    await terminal.waitFor('◐ RUNNING   19 s');
    await terminal.waitFor(/The link to alpha is lost, last seen [45]\d s ago/);
    await terminal.waitFor('(c Cancel job)');
    const before =
      terminal
        .screen()
        .join('\n')
        .match(/last seen \d+ s/)?.[0] ?? '';
    await terminal.waitForGone(before);
    expect(terminal.screen().join('\n')).toContain('◐ RUNNING   19 s');
  });

  test('one that could not be restored shows the commands that do it by hand', async () => {
    const terminal = show('demo', at);
    await terminal.waitFor('gateway');
    terminal.type('tbroken\rx');
    await terminal.waitFor('[ Execute ]');
    terminal.press('Enter');
    await terminal.waitFor('▲ DEGRADED');
    await terminal.waitFor('docker start gateway');
  });

  test('Batch Execute: the plan first, Cancel marked, then each server for itself', async () => {
    const terminal = show('demo', at);
    await terminal.waitFor('gateway');
    terminal.type('t1.1.0\rG');
    terminal.type('tmissing\rb');
    await terminal.waitFor('Batch Execute: 2 tasks on 2 servers');
    await terminal.waitFor('[ Cancel ]');
    terminal.press('Enter');
    await terminal.waitForGone('[ Cancel ]');
    terminal.press('b');
    await terminal.waitFor('[ Cancel ]');
    terminal.press('Tab');
    await terminal.waitFor('[ Execute ]');
    terminal.press('Enter');
    await terminal.waitFor('1 DONE');
    await terminal.waitFor('1 REFUSED');
    await terminal.waitFor('has no tag missing');
  });

  test('versions are picked from the registry', async () => {
    const terminal = show('demo', at);
    await terminal.waitFor('gateway');
    terminal.press('v');
    await terminal.waitFor('Asking the registry');
    await terminal.waitFor('31 of 51 tags, 1.0.0 deployed');
    terminal.type('/1.3');
    await terminal.waitForGone('1.7.1');
    terminal.press('Enter');
    await terminal.waitFor('Enter chooses');
    terminal.press('Enter');
    await terminal.waitFor(/gateway .*◆ armed.*1\.3\.3/);
  });

  test('help prints the keys of the table', async () => {
    const terminal = show('demo', at);
    await terminal.waitFor('gateway');
    terminal.press('?');
    await terminal.waitFor('the job of the server, running or last');
    terminal.press('Escape');
    await terminal.waitForGone('the job of the server, running or last');
  });

  test('a log is followed, and stays where it is once scrolled', async () => {
    const terminal = show('demo', at);
    await terminal.waitFor('gateway');
    terminal.press('l');
    await terminal.waitFor('● following');
    await terminal.waitFor(/^ {2}303 gateway: GET \/health 200/m);
    terminal.press('PageUp');
    await terminal.waitFor('■ pinned');
    const text = terminal.screen().slice(2, -2);
    await terminal.waitFor(/[1-9]\d+ lines below/);
    expect(terminal.screen().slice(2, -2)).toEqual(text);
    // What it carried to colour itself, or worse, did not get through.
    expect(text.some((line) => line.includes('/red/long/'))).toBe(true);
    terminal.press('G');
    await terminal.waitFor('● following');
  });

  test('rows are windowed: the last of 200 servers is one key away', async () => {
    const terminal = show('many', at);
    await terminal.waitFor('web-001');
    terminal.press('G');
    await terminal.waitFor(/▸ +store.*-200/);
    expect(terminal.screen().join('\n')).not.toContain('web-001');
    terminal.press('g');
    await terminal.waitFor(/▸ ● Running +web-001/);
  });

  test('wide characters keep the columns under each other', async () => {
    const terminal = show('wide', at);
    await terminal.waitFor('? Help');
    const column = (text: string, row: number) =>
      terminal.cells(row).findIndex(
        (_, x) =>
          terminal
            .cells(row)
            .slice(x, x + text.length)
            .map((cell) => cell.text || ' ')
            .join('') === text,
      );
    const rows = terminal.screen().flatMap((line, row) => (line.includes('Image Tag') ? [row] : []));
    expect(rows.length).toBe(4);
    expect(new Set(rows.map((row) => column('Image Tag', row))).size).toBe(1);
  });

  test('an agent that is away is shown with its reason and its age, and its rows say why they do nothing', async () => {
    const terminal = show('mixed', at);
    await terminal.waitFor('✗ Unreachable');
    await terminal.waitFor('ssh to deploy@gamma');
    terminal.type('/search\rj');
    await terminal.waitFor("The agent gamma can't be used");
    await terminal.waitFor(/last seen (\d\d s|1 min) ago/);
  });

  test('Build & Deploy, from the checkbox to the version that runs', async () => {
    const terminal = show('builds', at);
    await terminal.waitFor('storefront');
    terminal.type('jmm ');
    await terminal.waitFor(/storefront .*◆ armed .*◆ armed .*\[x\] Confirm/);
    terminal.press('x');
    await terminal.waitFor('build storefront on alpha first');
    terminal.press('Enter');
    await terminal.waitFor(/◐ RUNNING +build storefront 1\.4\.0\.B000007/);
    await terminal.waitFor(/◐ RUNNING +web on alpha +storefront: wait for the build/);
    await terminal.waitFor(/✓ DONE +build storefront/);
    await terminal.waitFor(/✓ DONE +web on alpha/);
    terminal.press('Escape');
    await terminal.waitFor(
      cols >= 120 ? /storefront .*✓ DONE +1\.4\.0\.B000007/ : /storefront .*✓ DONE +1\.4\.0…00007/,
    );
    await terminal.waitFor(/\[ \] Confirm/);
  });

  test('Latest deploys what it resolves to', async () => {
    const terminal = show('builds', at);
    await terminal.waitFor('storefront');
    terminal.type('jm');
    await terminal.waitFor('Execute: storefront 1.4.0.B000003 → 1.4.0.B000005');
    terminal.press('x');
    await terminal.waitFor('[ Execute ]');
    terminal.press('Enter');
    await terminal.waitFor('✓ DONE');
    await terminal.waitFor('→  1.4.0.B000005');
  });

  test('an older image is designated in the picker, which says what it takes back', async () => {
    const terminal = show('builds', at);
    await terminal.waitFor('storefront');
    terminal.type('jv');
    await terminal.waitFor('6 commits since 1.4.0.B000003');
    terminal.press('G');
    await terminal.waitFor('A rollback: takes back 6 commits');
    terminal.press('Enter');
    await terminal.waitFor(/storefront .*◆ armed .*Designat/);
    await terminal.waitFor('Execute: storefront 1.4.0.B000003 → 1.4.0.B000001');
  });

  test('a build that fails deploys nothing, and its log opens where it failed', async () => {
    const terminal = show('builds', at);
    await terminal.waitFor('mailer');
    terminal.type('jjjjjmm ');
    await terminal.waitFor(/mailer .*◆ armed/);
    terminal.press('x');
    await terminal.waitFor('[ Execute ]');
    terminal.press('Enter');
    await terminal.waitFor(/✗ ERROR +build mailer/);
    await terminal.waitFor(/⊘ REFUSED +mail on alpha/);
    await terminal.waitFor(/Nothing was deployed on\s+mail:/);
    terminal.press('Enter');
    await terminal.waitFor('✗ ERROR 2/3');
    terminal.press('e');
    await terminal.waitFor(/^▸ npm error: 3 of 412 tests failed/m);
  });

  test('a log of a million lines: its end, its beginning, what is searched for, and a line of a megabyte', async () => {
    const terminal = show('builds', at);
    await terminal.waitFor('storefront');
    terminal.type('jL');
    await terminal.waitFor('[3 ✗ CREATE IMAGE');
    terminal.press('2');
    await terminal.waitFor('1000000 build');
    await terminal.waitFor('1,000,000 lines');
    terminal.press('g');
    await terminal.waitFor(/^ {2}1 build/m);
    terminal.type('/漢字\r');
    await terminal.waitFor(/^▸ 漢字漢字/m);
    terminal.press('w');
    await terminal.waitFor(/漢字\n.*漢字漢字/);
    terminal.press('}');
    await terminal.waitFor('and this is its end');
    terminal.press('{');
    await terminal.waitFor(/^▸ 漢字漢字/m);
    terminal.press('}');
    await terminal.waitFor('and this is its end');
    terminal.press('f', '2');
    await terminal.waitFor('1000000 build');
    terminal.type('s');
    await terminal.waitFor('≡ CACHED');
    terminal.type('jj\r');
    await terminal.waitFor(/^▸ \[3\/4\] COPY/m);
  });

  test('a build is edited, saved beside another editor, and run', async () => {
    const terminal = show('builds', at);
    await terminal.waitFor('storefront');
    terminal.type('je');
    await terminal.waitFor('As the map file has it.');
    await terminal.waitFor('locked: the b');
    terminal.type('jjjjjjjjjjjjj\r');
    terminal.press('Ctrl-U');
    terminal.type('2.0.0-meanwhile\r');
    await terminal.waitFor('1 change not saved');
    terminal.press('s');
    await terminal.waitFor('The map file was changed meanwhile');
    await terminal.waitFor('they changed: source ref');
    terminal.press('Tab', 'Enter');
    await terminal.waitFor(/ref +release/);
    terminal.press('s');
    await terminal.waitFor('Saved to ./towline.yaml.');
    terminal.press('r');
    await terminal.waitFor('Build log 2.0.0-meanwhile.B000007 of shop');
  });

  test('a map is picked where there are several, and another with one key', async () => {
    const terminal = show('maps', at);
    await terminal.waitFor('Services and application maps');
    terminal.press('j', 'Enter');
    await terminal.waitFor('shop / staging');
    terminal.press('s');
    await terminal.waitFor('shown now');
    terminal.type('/bill\r\r');
    await terminal.waitFor('billing / production');
  });
});

test('without colour nothing is coloured, and everything is still told', async () => {
  const terminal = show('mixed', { env: { NO_COLOR: '1' } });
  await terminal.waitFor('✗ Unreachable');
  terminal.type('t1.1.0\r');
  await terminal.waitFor(/▸ +gateway .*◆ armed/);
  terminal.press('?');
  await terminal.waitFor('Keys');
  for (let row = 0; row < 24; row += 1) {
    for (const cell of terminal.cells(row)) {
      expect(cell).toMatchObject({ plain: true, bold: false, dim: false, inverse: false });
    }
  }
});

test('without colour a build tells everything as well', async () => {
  const terminal = show('builds', { env: { NO_COLOR: '1' } });
  await terminal.waitFor('storefront');
  terminal.type('jmm ');
  await terminal.waitFor(/storefront .*◆ armed .*\[x\] Confirm/);
  terminal.type('L');
  await terminal.waitFor('[3 ✗ CREATE IMAGE');
  terminal.press('Escape');
  terminal.type('e');
  await terminal.waitFor('‹ token ›');
  for (let row = 0; row < 24; row += 1) {
    for (const cell of terminal.cells(row)) {
      expect(cell).toMatchObject({ plain: true, bold: false, dim: false, inverse: false });
    }
  }
});

test('a Dockerfile is pasted as it is, and nothing of it is a key', async () => {
  const terminal = show('builds', { cols: 100, rows: 40 });
  await terminal.waitFor('storefront');
  terminal.type('je');
  await terminal.waitFor('As the map file has it.');
  // From the source, to written here.
  terminal.type('jjjjjjjjjjjjjj\rj\r');
  await terminal.waitFor('Ctrl-S takes it');
  terminal.paste('FROM scratch\nCOPY . /\nCMD ["q"]\n');
  await terminal.waitFor('CMD ["q"]');
  terminal.press('Ctrl-S');
  await terminal.waitFor('FROM scratch  (and 2 more lines)');
  terminal.press('s');
  await terminal.waitFor('Saved to ./towline.yaml.');
});

test('a secret is masked while it is typed', async () => {
  const terminal = show('builds');
  await terminal.waitFor('storefront');
  terminal.type('je');
  await terminal.waitFor('As the map file has it.');
  terminal.press('G');
  await terminal.waitFor('not on alpha yet');
  terminal.press('Enter');
  terminal.paste('ghp_secret\n');
  await terminal.waitFor('••••••••••');
  expect(terminal.screen().join('\n')).not.toContain('ghp_');
  terminal.press('Enter');
  await terminal.waitFor(/written (just now|\d+ s ago)/);
});

test('a passphrase is asked for over what is there, masked, and taken or refused', async () => {
  const terminal = show('passphrase');
  await terminal.waitFor('Passphrase for the key');
  // An Enter that was meant for what was there before does nothing.
  terminal.press('Enter');
  terminal.type('jq?');
  await terminal.waitFor('•••');
  terminal.paste('hunter2\n');
  await terminal.waitFor('••••••••••');
  expect(terminal.screen().join('\n')).not.toMatch(/hunter|jq/);
  terminal.press('Enter');
  await terminal.waitForGone('Passphrase for');
});

test('a passphrase that is refused leaves its agent lost, with the reason', async () => {
  const terminal = show('passphrase');
  await terminal.waitFor('Go without this key');
  terminal.press('Escape');
  await terminal.waitFor(/cache on beta +deploy@db-1: the key/);
});

test('a picker that is opened while its agent connects waits for it', async () => {
  const terminal = show('connecting');
  await terminal.waitFor(/· Connecting +web on alpha/);
  await terminal.waitFor('The agent alpha is being connected to: wait for its first answer.');
  expect(terminal.screen().join('\n')).not.toMatch(/Unreachable|can't be used/);
  terminal.press('v');
  await terminal.waitFor('Waiting for alpha…');
});

test('that a container was created with --rm is said before it is executed', async () => {
  const terminal = show('rm');
  await terminal.waitFor('cache on beta');
  terminal.type('jt7.3.0\r');
  await terminal.waitFor('armed');
  for (const key of ['x', 'b']) {
    terminal.press(key);
    await terminal.waitFor(/cache was created with --rm: its stop/);
    await terminal.waitFor('--allow-auto-remove');
    terminal.press('Escape');
    await terminal.waitForGone('--rm');
  }
});

test('the row under the cursor is marked over its whole width', async () => {
  const terminal = show('demo');
  await terminal.waitFor(/▸ +gateway/);
  const row = terminal.screen().findIndex((line) => line.startsWith('▸'));
  const backgrounds = terminal.cells(row).map((cell) => cell.background);
  expect(new Set(backgrounds).size).toBe(1);
  expect(terminal.cell(0, row).plain).toBe(false);
});

test('a burst of keys is as many keys', async () => {
  const terminal = show('many');
  await terminal.waitFor(/▸ +gateway-1 /);
  terminal.type('jjjk');
  await terminal.waitFor(/▸ ● Running +web-002/);
  terminal.type('jjjjjjjjjjjj');
  await terminal.waitFor(/▸ ● Running +web-006/);
});

test('what is pasted is text: its newline is not Enter, and its letters are not keys', async () => {
  const terminal = show('demo');
  await terminal.waitFor('gateway');
  await terminal.waitUntil('pastes are asked for', () => terminal.modes().bracketedPaste);
  terminal.paste('x\rq\n');
  await terminal.waitFor('What was pasted went nowhere.');
  terminal.press('t');
  await terminal.waitFor('Enter takes it');
  terminal.paste('1.1.0\nrm -rf /\n');
  await terminal.waitFor(/Image Tag +1\.1\.0/);
  expect(terminal.screen().join('\n')).toContain('Enter takes it');
  // The caret is where the next letter goes.
  const row = terminal.screen().findIndex((line) => line.startsWith('▸'));
  const end = (terminal.screen()[row]?.indexOf('1.1.0') ?? 0) + '1.1.0'.length;
  await terminal.waitUntil('the caret stands behind it', () => terminal.cursor().x === end);
  expect(terminal.cursor().y).toBe(row);
  expect(terminal.modes().cursorHidden).toBe(false);
  terminal.press('Enter');
  await terminal.waitFor('◆ armed');
});

test('what is typed before the first screen is there is neither shown nor lost', async () => {
  const terminal = show('demo');
  await terminal.waitUntil('the screen is being taken', () => terminal.modes().alternateScreen);
  terminal.type('t1.1.0\r');
  await terminal.waitFor(/▸ +gateway .*◆ armed/);
  expect(terminal.screen()[0]).toContain('Towline');
  expect(terminal.screen().at(-1)).toContain('? Help');
});

test('Esc leaves a tag as it was', async () => {
  const terminal = show('demo');
  await terminal.waitFor('gateway');
  terminal.type('t9.9.9');
  await terminal.waitFor('9.9.9');
  terminal.press('Escape');
  await terminal.waitForGone('9.9.9');
});

test('it follows a resize, says so where it is too small, and comes back', async () => {
  const terminal = show('demo');
  await terminal.waitFor('gateway');
  terminal.resize(140, 40);
  const hasKeys = (lines: readonly string[]) => lines.at(-1)?.includes('? Help') === true;
  await terminal.waitFor('BUILD');
  await terminal.waitUntil('the keys are at the foot', hasKeys);
  terminal.resize(60, 15);
  await terminal.waitFor('Towline needs 80×24.');
  await terminal.waitFor('This terminal is 60×15.');
  terminal.resize(80, 24);
  await terminal.waitFor(/gateway .*running/);
  await terminal.waitUntil('the keys are at the foot', hasKeys);
  expect(terminal.screen().filter((line) => line.includes('Towline')).length).toBe(1);
});

test('versions that can not be asked for say why, and are asked for again', async () => {
  const terminal = show('wide', { cols: 140, rows: 40 });
  await terminal.waitFor('family');
  terminal.type('jj');
  await terminal.waitFor(/▸.*family/);
  for (const key of ['v', 'r']) {
    terminal.press(key);
    await terminal.waitFor('Asking the registry');
    await terminal.waitFor('The registry does not answer');
  }
});

const ways: [string, (terminal: Terminal) => void, number][] = [
  ['q', (terminal) => terminal.press('q'), 0],
  ['Ctrl-C', (terminal) => terminal.press('Ctrl-C'), 0],
  ['SIGTERM', (terminal) => process.kill(childOf(terminal.pid), 'SIGTERM'), 143],
  ['SIGHUP', (terminal) => process.kill(childOf(terminal.pid), 'SIGHUP'), 129],
];

test.each(ways)('%s leaves the terminal as it was', async (_, leave, code) => {
  const terminal = showInShell('demo');
  await terminal.waitFor('gateway');
  expect(terminal.modes()).toMatchObject({ alternateScreen: true, cursorHidden: true });
  leave(terminal);
  await terminal.waitFor(`ended with ${code}`);
  await terminal.waitFor(/^icanon\s+echo/m);
  expect(terminal.screen()[0]).toBe('before');
  expect(terminal.modes()).toEqual({ alternateScreen: false, cursorHidden: false, bracketedPaste: false });
});

test('whoever leaves a running job is told on the normal screen that it goes on', async () => {
  const terminal = showInShell('mixed');
  await terminal.waitFor('gateway');
  terminal.type('/cache\ro');
  await terminal.waitFor('Job on shop / demo / cache');
  terminal.press('Ctrl-C');
  await terminal.waitFor('ended with 0');
  await terminal.waitFor('job job-running goes on on cache; towline job job-running --follow shows it');
});

test('a fault leaves the terminal as it was, and its reason on it', async () => {
  const terminal = showInShell('fault');
  await terminal.waitFor('fault');
  terminal.press('v');
  await terminal.waitFor('a fault in the program itself');
  await terminal.waitFor('ended with 1');
  await terminal.waitFor(/^icanon\s+echo/m);
  expect(terminal.modes()).toEqual({ alternateScreen: false, cursorHidden: false, bracketedPaste: false });
});
