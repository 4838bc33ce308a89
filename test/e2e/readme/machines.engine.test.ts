import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { certificateAuthority, programFiles, sharedSandbox } from '@towline/test/sandbox';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type CliPlace, createPlace } from '../cli/towline-process.ts';
import { type ApartMachine, setApart } from '../install/set-apart.ts';
import { readmeBlocks } from './blocks.ts';

const { hosts } = await sharedSandbox();
/** A command that goes on in the next line is one. */
const commands = (await readmeBlocks('')).flatMap((block) =>
  block
    .trim()
    .replaceAll(/\\\n\s*/g, '')
    .split('\n'),
);
const [overSsh, overTls] = (await readmeBlocks('yaml'))
  .filter((block) => block.startsWith('agents:'))
  .map((block): { agents: Record<string, { url: string }> } => parse(block));
let place: CliPlace;
let machine: ApartMachine;

beforeAll(async () => {
  place = await createPlace();
  const bin = join(place.dir, 'bin');
  await mkdir(bin);
  await symlink(process.execPath, join(bin, 'node'));
  const agent = `#!/bin/sh\nexec ${process.execPath} ${programFiles().agent} "$@"\n`;
  await writeFile(join(bin, 'towline-agent'), agent, { mode: 0o755 });
  machine = await setApart(place.dir, bin);
  await symlink(hosts.a.socket, machine.path('/run/docker.sock'));
  const { port, keyFile, knownHostsFile } = machine.sshd;
  await mkdir(join(place.dir, '.ssh'), { mode: 0o700 });
  const lines = [`Port ${port}`, `IdentityFile ${keyFile}`, `UserKnownHostsFile ${knownHostsFile}`];
  await writeFile(join(place.dir, '.ssh', 'config'), `Host web-1\nHostName 127.0.0.1\n${lines.join('\n')}\n`);
  const ca = await certificateAuthority(place.dir);
  const { cert, key } = await ca.issue('db-1', ['127.0.0.1']);
  await symlink(cert, join(place.dir, 'cert.pem'));
  await symlink(key, join(place.dir, 'key.pem'));
});

afterAll(async () => {
  await machine.close();
  await place.close();
});

/** The README's command that begins so. */
function command(beginning: string): string {
  return commands.find((each) => each.startsWith(beginning)) ?? expect.fail(`no ${beginning} in the README`);
}

/** What its shell makes of a command. */
async function there(words: string): Promise<string> {
  // A home of its own, as what has no other place is put there. Not with `&&`: what is begun in the background would be all of it, and hold the connection.
  const shell = `cd ${place.dir}; export HOME=${place.dir}; ${words}`;
  const ran = await execa('ssh', ['-F', join(place.dir, '.ssh', 'config'), 'root@web-1', shell], {
    stdin: 'ignore',
  });
  return ran.stdout;
}

/** The README's agents, of which one is reached otherwise than there, with a server on that one. */
async function agentsOf(map: typeof overSsh, name: string, change: object): Promise<unknown> {
  const agents = { [name]: { ...map?.agents[name], ...change } };
  const containers = [{ name: 'gateway', image: 'gateway' }];
  const servers = { web: { agent: name, containers } };
  await place.writeMap(stringify({ agents, services: { shop: { maps: { production: { servers } } } } }));
  return (await place.run('agents', '--json')).json();
}

/** Starts a program there that stays, and returns what it writes. */
async function begin(words: string, log: string): Promise<() => Promise<string>> {
  await there(`setsid ${words} >${log} 2>&1 </dev/null &`);
  return () => readFile(log, 'utf8');
}

test('the README’s installation is shown, command by command', async () => {
  for (const words of ['towline agent install', 'towline agent uninstall']) {
    const ran = await place.run(...command(words).split(' ').slice(1), '--plan');
    expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('root@web-1') });
  }
});

test('the README’s agents are reached: over SSH, and by a token over TLS', async () => {
  const log = join(place.dir, 'agent.log');
  await begin(command('towline-agent --socket'), log);
  const [, url = ''] = /(ssh:\S+)/.exec(command('towline agent install')) ?? [];
  await expect
    .poll(() => agentsOf(overSsh, 'web-1', { url }))
    .toMatchObject({ agents: [{ state: 'reachable' }] });

  const tokenFile = join(place.dir, 'db-1.token');
  await writeFile(tokenFile, await there(command('towline-agent token create')), { mode: 0o600 });
  const lock = machine.path('/var/lib/towline/agent.lock');
  const { pid } = JSON.parse(await readFile(lock, 'utf8'));
  process.kill(pid);
  await expect.poll(() => existsSync(lock)).toBe(false);
  // That port may be another's on the machine of the test.
  const listen = command('towline-agent --listen').replace('0.0.0.0:7443', '127.0.0.1:0');
  const output = await begin(listen, log);
  const listening = async () => /"port":(\d+),"msg":"listening on the network"/.exec(await output())?.[1];
  await expect.poll(listening).toBeDefined();
  const [pin] = /sha256:[0-9a-f]{64}/.exec(await output()) ?? [];
  const reached = { url: `wss://127.0.0.1:${await listening()}`, token: { file: tokenFile }, pin };
  expect(await agentsOf(overTls, 'db-1', reached)).toMatchObject({
    agents: [{ state: 'reachable', caller: { name: 'anna', role: 'operator' } }],
  });
});
