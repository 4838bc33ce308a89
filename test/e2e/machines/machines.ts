import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  connectNamespaces,
  type Host,
  type Line,
  makeNetworkPlace,
  type NetworkPlace,
  type RunningAgentProcess,
  type Sshd,
  startAgent,
  startSshd,
} from '@towline/test/sandbox';

/** A machine with an sshd, an engine and an agent of its own. */
export interface Machine {
  host: Host;
  agent: RunningAgentProcess;
  sshd: Sshd;
  /** The cable to where it is reached from. */
  line: Line;
}

/** Three machines and the operator's: `gate` and `lone` are reached from that, `inner` from `gate` alone. */
export interface Machines {
  operator: NetworkPlace;
  gate: Machine;
  lone: Machine;
  inner: Machine;
  close(): Promise<void>;
}

/**
 * Brings them up. `dir` is the operator's home: its `.ssh` has what OpenSSH needs to go to each by its name. `subnets` are the
 * first three numbers of three IPv4 networks.
 */
export async function joinMachines(
  dir: string,
  hosts: { gate: Host; lone: Host; inner: Host },
  subnets: readonly [string, string, string],
): Promise<Machines> {
  const operator = await makeNetworkPlace(hosts.gate, 'operator');
  const [toGate, toLone, toInner] = subnets;
  const lines = {
    gate: await connectNamespaces(operator, hosts.gate, toGate),
    lone: await connectNamespaces(operator, hosts.lone, toLone),
    inner: await connectNamespaces(hosts.gate, hosts.inner, toInner),
  };
  const machine = async (name: keyof typeof lines): Promise<Machine> => {
    const host = hosts[name];
    const line = lines[name];
    const folder = join(dir, name);
    await mkdir(folder, { mode: 0o700 });
    const [agent, sshd] = await Promise.all([
      startAgent({ host, dir: folder, inside: true }),
      startSshd({ sandboxDir: folder, machine: host, address: line.far }),
    ]);
    return { host, agent, sshd, line };
  };
  const [gate, lone, inner] = await Promise.all([machine('gate'), machine('lone'), machine('inner')]);
  await mkdir(join(dir, '.ssh'), { mode: 0o700 });
  const known = await Promise.all(
    [gate, lone, inner].map(({ sshd }) => readFile(sshd.knownHostsFile, 'utf8')),
  );
  await writeFile(join(dir, '.ssh', 'known_hosts'), known.join(''));
  const entry = (name: string, { line, sshd }: Machine, ...more: string[]) => [
    `Host ${name}`,
    `  HostName ${line.far}`,
    `  Port ${sshd.port}`,
    `  IdentityFile ${sshd.keyFile}`,
    `  UserKnownHostsFile ${join(dir, '.ssh', 'known_hosts')}`,
    ...more,
  ];
  const config = [
    ...entry('gate', gate),
    ...entry('lone', lone),
    ...entry('inner', inner, '  ProxyJump gate'),
  ];
  await writeFile(join(dir, '.ssh', 'config'), `${config.join('\n')}\n`);
  return {
    operator,
    gate,
    lone,
    inner,
    async close() {
      for (const { agent, sshd } of [gate, lone, inner]) await Promise.all([agent.stop(), sshd.close()]);
      await Promise.all(Object.values(lines).map((line) => line.close()));
      await operator.close();
    },
  };
}
