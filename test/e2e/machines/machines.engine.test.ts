import { sharedSandbox } from '@towline/test/sandbox';
import { openTerminal, type Terminal } from '@towline/test/terminal';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { shopMap } from '../cli/shop-map.ts';
import { type CliPlace, createPlace, TOWLINE } from '../cli/towline-process.ts';
import { joinMachines, type Machines } from './machines.ts';

const { registry, hosts, podman } = await sharedSandbox();
const NAMES = ['gate', 'lone', 'inner'] as const;
type Name = (typeof NAMES)[number];
let place: CliPlace;
let machines: Machines;
let suffix: string;
const containerOf = (name: Name) => `mach-${name}-${suffix}`;
const open: Terminal[] = [];

beforeAll(async () => {
  place = await createPlace();
  suffix = place.dir.slice(-6).toLowerCase();
  machines = await joinMachines(place.dir, { gate: hosts.a, lone: hosts.b, inner: podman() }, 'operator', [
    '10.91.1',
    '10.91.2',
    '10.91.3',
  ]);
  const servers = NAMES.map((name) => {
    const container = { name: containerOf(name), image: `${registry}/shop/cache`, run: {}, settle: 3 };
    return [`s-${name}`, { agent: name, containers: [container] }];
  });
  const urls = NAMES.map((name) => [name, `ssh://${name}${machines[name].agent.socket}`]);
  await place.writeMap(shopMap(Object.fromEntries(urls), Object.fromEntries(servers)));
});
afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.close();
});
afterAll(async () => {
  for (const name of NAMES) {
    const { host } = machines[name];
    const ids = (await host.docker('ps', '-aq', '--filter', `name=-${suffix}`)).split('\n').filter(Boolean);
    if (ids.length > 0) await host.docker('rm', '-f', ...ids);
  }
  await machines.close();
  await place.close();
});

/** towline on the operator's machine, in a terminal. */
function towline(...args: string[]): Terminal {
  const [command = '', ...rest] = machines.operator.inside([process.execPath, TOWLINE, ...args]);
  const terminal = openTerminal({ command, args: rest, cwd: place.dir, env: place.env });
  open.push(terminal);
  return terminal;
}

async function deployed(name: Name): Promise<string> {
  const { host } = machines[name];
  return (await host.docker('inspect', '-f', '{{.Config.Image}}', containerOf(name))).trim();
}

const allKnown = (screen: string[]) =>
  screen.filter((line) => /s-\w+ on \w+ +no container of it exists yet|● Online/.test(line)).length === 3;

/** Arms all three with a tag, and executes them all. */
async function executeAll(terminal: Terminal, tag: string): Promise<void> {
  for (const name of NAMES) {
    terminal.type(`/${containerOf(name)}\r`);
    await terminal.waitFor(/▸ +mach-/);
    terminal.type(`t${tag}\r`);
    await terminal.waitFor('armed');
    terminal.press('Escape');
    await terminal.waitForGone('Filter:');
  }
  terminal.press('b');
  await terminal.waitFor('Batch Execute: 3 tasks on 3 servers');
  terminal.press('Tab');
  await terminal.waitFor('[ Execute ]');
  terminal.press('Enter');
}

test('a batch over three machines through SSH, one of them behind another, from a terminal', async () => {
  const terminal = towline();
  await terminal.waitUntil('all three connected', allKnown);
  await executeAll(terminal, '7.2.0');
  await terminal.waitFor('3 DONE', { timeout: 60_000 });
  for (const name of NAMES) expect(await deployed(name)).toBe(`${registry}/shop/cache:7.2.0`);
});
