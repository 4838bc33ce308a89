import { openTerminal, type Terminal } from '@towline/test/terminal';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createShopPlace, type ShopPlace } from './shop-place.ts';
import { TOWLINE } from './towline-process.ts';

let place: ShopPlace;
let cache: string;
let terminal: Terminal | undefined;

beforeAll(async () => {
  place = await createShopPlace();
  cache = `cache/${place.nameOf('cache')}`;
  expect(await place.run('execute', cache, '--tag', '7.2.0')).toMatchObject({ code: 0 });
});

afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});

afterAll(() => place.close());

function open(...args: string[]): Terminal {
  terminal = openTerminal({
    command: process.execPath,
    args: [TOWLINE, ...args],
    cwd: place.dir,
    env: place.env,
  });
  return terminal;
}

test.each([
  ['Enter alone', ['Enter']],
  ['n', ['n', 'Enter']],
  ['Ctrl-C', ['Ctrl-C']],
  ['the end of the input', ['Ctrl-D']],
])('batch asks, and %s is a no', async (_name, keys) => {
  const asked = open('batch', '--set', `${cache}=tag:7.4.0`);
  await asked.waitFor('Run 1 task on 1 server? [y/N]');
  // What its agent says of it stands there too, as with --plan.
  expect(asked.screen().join('\n')).toMatch(/7\.2\.0 → 7\.4\.0, st(op|art) first/);
  asked.press(...keys);
  await asked.waitFor('Nothing was done.');
  expect((await asked.exited).code).toBe(2);
  expect(await place.deployed('cache', 'cache')).toBe('7.2.0');
});

test('a yes runs it, on one line that is drawn again, and that is gone at the end', async () => {
  const asked = open('batch', '--set', `${cache}=tag:7.4.0`);
  await asked.waitFor('[y/N]');
  asked.press('y', 'Enter');
  await asked.waitFor(/cache \d+\/\d+ /);
  await asked.waitFor('cache: DONE');
  expect((await asked.exited).code).toBe(0);
  expect(asked.screen().join('\n')).not.toMatch(/\d+\/\d+ (pull|check|commit)/);
  expect(await place.deployed('cache', 'cache')).toBe('7.4.0');
});

test('what a container says can not drive the terminal', async () => {
  const { a } = place.hosts;
  const gateway = place.nameOf('gateway');
  const script = String.raw`printf 'red \033[31mtext\033[0m\033[2J\033]0;title\007 end\n'; trap 'exit 0' TERM; sleep 1000 & wait`;
  await a.docker(
    'run',
    '-d',
    '--name',
    gateway,
    '--entrypoint',
    '/bin/sh',
    `${place.registry}/shop/gateway:1.0.0`,
    '-c',
    script,
  );
  await expect.poll(() => a.docker('logs', gateway)).toContain('end');
  const shown = open('logs', `web/${gateway}`);
  await shown.waitFor('red text end');
  expect((await shown.exited).code).toBe(0);
  // For a file or another program it is what the container wrote.
  expect((await place.run('logs', `web/${gateway}`)).stdout).toContain('\u001b[31m');
});
