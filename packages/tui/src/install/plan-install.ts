import { describeEngine, findEngine } from '@towline/core/engine';
import { err, ok, type Result } from '@towline/core/result';
import { shellWord } from '../link/index.ts';
import type { Machine } from './machine.ts';
import { archOf, isNewEnough, LEAST_NODE, type NodeBinary } from './node-binary.ts';
import { type Place, placeOn, UNIT_NAME, versionFolder } from './place.ts';
import type { Step } from './step.ts';
import { agentWords, unitText } from './unit.ts';

/** What is to be installed. */
export interface Wanted {
  /** The agent's version with what tells its builds apart: `0.1.0-3f2a9c01d4e5`. */
  version: string;
  agentBytes: number;
  /** What is sent where the machine has no Node that fits; or why none is at hand. */
  node: Result<NodeBinary>;
  /** The engine, as it was asked for. */
  engine?: string;
  /** Where no systemd is there: start it all the same. */
  start: boolean;
}

/** What an installation does, in order. */
export interface InstallPlan {
  place: Place;
  steps: readonly Step[];
  /** What brings back what ran before, where a step of those `between` fails. Empty where nothing did. */
  back: readonly Step[];
  /** From the first step that touches what runs, to the one after the last: places in `steps`. */
  between: { from: number; to: number };
  /** What asks the machine why an agent does not start. */
  lastWords: string;
  /** What is worth knowing before one says yes. */
  notes: readonly string[];
  /** The version that is there already. */
  before?: string;
  /** Whether an agent runs there that is to be started again. */
  restarts: boolean;
  /** How it is started by hand, where nothing starts it. */
  start?: string;
}

/**
 * The steps that bring this agent to a machine, or a newer one in the place of an older. Errors: `not-linux`, `no-node`,
 * `engine-denied`, `engine-address`, `other-agent`.
 */
export function planInstall(machine: Machine, wanted: Wanted, name: string): Result<InstallPlan> {
  const place = placeOn(machine);
  if (machine.os !== 'Linux') {
    return refuse('not-linux', `${name} is ${machine.os}; the agent is installed on Linux alone.`);
  }
  const other = otherAgent(machine, place, name);
  if (other !== undefined) return other;
  const engine = engineOn(machine, wanted, name);
  if (!engine.ok) return engine;
  const node = nodeFor(machine, wanted, place, name);
  if (!node.ok) return node;
  const { prefix } = place;
  const { current, agent } = machine;
  const { version } = wanted;
  const folder = versionFolder(place, version);
  const unit = unitText(place, engine.value.url);
  const done = machine.currentRuns && current === version && (!machine.systemd || machine.unit === unit);
  const restarts = agent !== undefined;
  const notes = [...engine.value.notes, ...notesOn(machine, place)];
  const startCommand = machine.systemd ? {} : { start: startByHand(place, engine.value.url) };
  const plan = {
    place,
    notes,
    restarts,
    lastWords: machine.systemd
      ? `journalctl ${place.scope === 'user' ? '--user ' : ''}-u ${UNIT_NAME} -n 12 --no-pager -o cat`
      : `tail -n 12 ${shellWord(logOf(place))}`,
    ...(current !== undefined && { before: current }),
    ...startCommand,
  };
  const starts = machine.systemd || restarts || wanted.start;
  // It is there as it should be, and runs where it should.
  if (done && (restarts || !starts)) return ok({ ...plan, steps: [], back: [], between: { from: 0, to: 0 } });

  const steps: Step[] = [];
  if (!machine.currentRuns || current !== version) {
    const parts = `${folder}.part`;
    const q = shellWord;
    steps.push({
      kind: 'run',
      name: 'make its folder',
      command: `umask 022; mkdir -p ${q(`${prefix}/versions`)} ${q(`${prefix}/nodes`)} && rm -rf ${q(parts)} && mkdir ${q(parts)}`,
    });
    if (node.value.send !== undefined) {
      const { send, path } = node.value;
      steps.push({
        kind: 'send',
        name: `send Node ${send.version}`,
        item: 'node',
        bytes: send.bytes,
        path,
        mode: '755',
      });
    }
    steps.push(
      {
        kind: 'send',
        name: 'send the agent',
        item: 'agent',
        bytes: wanted.agentBytes,
        path: `${parts}/towline-agent.mjs`,
        mode: '644',
      },
      {
        kind: 'write',
        name: 'write what starts it',
        path: `${parts}/towline-agent`,
        mode: '755',
        text: `#!/bin/sh\nexec ${q(node.value.path)} ${q(`${folder}/towline-agent.mjs`)} "$@"\n`,
      },
      {
        kind: 'run',
        name: 'try it',
        command: `rm -rf ${q(folder)} && mv ${q(parts)} ${q(folder)} && ${q(`${folder}/towline-agent`)} --version`,
      },
    );
  }
  const from = steps.length;
  steps.push(...serve(place, machine, { version, unit, starts, engine: engine.value.url }));
  const to = steps.length;
  const leftOver = [
    ...machine.versions.filter((each) => each !== version).map((each) => versionFolder(place, each)),
    ...machine.nodes.map((each) => `${prefix}/nodes/${each}`).filter((path) => path !== node.value.path),
  ];
  if (leftOver.length > 0) {
    steps.push({
      kind: 'run',
      name: 'remove what was before',
      command: `rm -rf ${leftOver.map(shellWord).join(' ')}`,
    });
  }
  const back: Step[] =
    current === undefined || !machine.currentRuns || current === version
      ? []
      : [
          ...serve(place, machine, {
            version: current,
            unit: machine.unit,
            starts: restarts,
            engine: engine.value.url,
          }),
          { kind: 'run', name: 'remove what failed', command: `rm -rf ${shellWord(folder)}` },
        ];
  return ok({ ...plan, steps, back, between: { from, to } });
}

/** Makes a version the current one, and lets it run where it is to. */
function serve(
  place: Place,
  machine: Machine,
  {
    version,
    unit,
    starts,
    engine,
  }: { version: string; unit: string | undefined; starts: boolean; engine: string },
): Step[] {
  const { prefix, systemctl, unit: unitFile } = place;
  const link = shellWord(`${prefix}/current`);
  const next = shellWord(`${prefix}/current.next`);
  const steps: Step[] = [
    {
      kind: 'run',
      name: 'switch to it',
      command: `ln -sfn ${shellWord(`versions/${version}`)} ${next} && mv -Tf ${next} ${link}`,
    },
  ];
  const begin = (command: string, name: string) => steps.push({ kind: 'run', name, command });
  if (machine.systemd && unit !== undefined) {
    // One that was started by hand, before systemd was there.
    if (machine.unit === undefined && machine.agent !== undefined) begin(stopByHand(place), 'stop what runs');
    const folder = unitFile.slice(0, unitFile.lastIndexOf('/'));
    if (place.scope === 'user') begin(`mkdir -p ${shellWord(folder)}`, 'make the folder of its unit');
    steps.push({ kind: 'write', name: 'write its unit', path: unitFile, mode: '644', text: unit });
    begin(`${systemctl} daemon-reload`, 'have systemd read it');
    begin(`${systemctl} enable ${UNIT_NAME}`, 'have systemd start it with the machine');
    begin(`${systemctl} restart ${UNIT_NAME}`, 'start it');
    // It may have been started again often before: counting begins here, and systemd waits before the next time.
    const count = `$(${systemctl} show -p NRestarts --value ${UNIT_NAME})`;
    begin(`r=${count}; ${untilSocket(place, `[ "${count}" = "$r" ]`)}`, 'see that it comes up');
  } else if (starts) {
    begin(stopByHand(place), 'stop what runs');
    begin(startAndSee(place, engine), 'start it');
  }
  if (starts) steps.push({ kind: 'answer', name: 'see whether it answers' });
  return steps;
}

function logOf({ stateDir }: Place): string {
  return `${stateDir}/agent.log`;
}

/** Waits for the agent's socket for as long as `lives` says yes, half a minute at most. */
function untilSocket({ socket }: Place, lives: string): string {
  return `n=0; until [ -S ${shellWord(socket)} ]; do ${lives} && [ $n -lt 300 ] || exit 1; sleep 0.1; n=$((n+1)); done`;
}

function startAndSee(place: Place, engine: string): string {
  const begin = startWords(place, engine);
  return [
    `rm -f ${shellWord(place.socket)}; umask 077; ${begin} & pid=$!`,
    untilSocket(place, '{ kill -0 $pid 2>/dev/null; }'),
  ].join('\n');
}

/** For a person at a shell; it goes on when that ends. */
function startByHand(place: Place, engine: string): string {
  return `(umask 077; ${startWords(place, engine)} &)`;
}

function startWords(place: Place, engine: string): string {
  const words = agentWords(place, engine).map(plainWord).join(' ');
  const state = plainWord(place.stateDir);
  return `mkdir -p ${state}; setsid ${words} >>${plainWord(logOf(place))} 2>&1 </dev/null`;
}

/** Ends the installation's own agent, and waits for that: the one that its state folder names, where it is one. */
export function stopByHand({ stateDir, prefix }: Place): string {
  const lock = shellWord(`${stateDir}/agent.lock`);
  return [
    `pid=$(sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p' ${lock} 2>/dev/null)`,
    `runs() { [ -n "$pid" ] && tr '\\000' ' ' 2>/dev/null </proc/$pid/cmdline | grep -qF ${shellWord(`${prefix}/versions/`)}; }`,
    'n=0; if runs; then kill "$pid"; while runs && [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done; fi; ! runs',
  ].join('\n');
}

/** As people write it where it needs no quotes. */
function plainWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : shellWord(text);
}

/** Whether an agent's command line is of an installation. */
export function isOwn(command: string, { prefix }: Place): boolean {
  return command.includes(`${prefix}/versions/`);
}

function otherAgent({ agent }: Machine, place: Place, name: string): Result<never> | undefined {
  if (agent === undefined || isOwn(agent.command, place)) return undefined;
  return refuse(
    'other-agent',
    `${name}: an agent that was started otherwise has ${place.stateDir} (process ${agent.pid}: ${agent.command}). End it (kill ${agent.pid}), and whatever starts it; then run this again. Its history is gone on with.`,
  );
}

function engineOn(
  { engines, user }: Machine,
  { engine }: Wanted,
  name: string,
): Result<{ url: string; notes: string[] }> {
  const denied = engines.find(({ usable }) => !usable);
  const usable = engines.find((each) => each.usable);
  const asked = findEngine({ option: engine, env: {}, exists: () => false });
  if (!asked.ok) return asked;
  if (usable === undefined && denied !== undefined) {
    return refuse(
      'engine-denied',
      `${name}: ${user} may not use the engine's socket ${denied.path}, and so might no agent of theirs. Let them (usermod -aG docker ${user}, and log in again), or install it as root.`,
    );
  }
  if (engine !== undefined) {
    const found = usable !== undefined || asked.value.kind === 'tcp';
    const notes = found
      ? []
      : [`There is no engine's socket ${engine} on ${name} now; the agent waits for it.`];
    return ok({ url: describeEngine(asked.value), notes });
  }
  if (usable !== undefined) return ok({ url: `unix://${usable.path}`, notes: [] });
  const url = describeEngine(asked.value);
  return ok({
    url,
    notes: [
      `There is no engine's socket on ${name} now; the agent waits for ${url}. Another is named with --engine.`,
    ],
  });
}

/** Where the agent's Node is, and whether it is sent first. */
function nodeFor(
  machine: Machine,
  { node }: Wanted,
  place: Place,
  name: string,
): Result<{ path: string; send?: NodeBinary }> {
  const own = machine.node;
  // The machine's unit sees no homes, and a /tmp of its own.
  const hidden = place.scope === 'machine' && machine.systemd;
  const lasts = !hidden || !/^\/(?:home|root|tmp|run)\//.test(own?.target ?? '');
  if (own !== undefined && isNewEnough(own.version) && lasts) return ok({ path: own.path });
  const has = own === undefined ? 'no Node' : `Node ${own.version.replace(/^v/, '')} at ${own.path}`;
  const remedy = `Install Node ${LEAST_NODE} or later there, and run this again`;
  const arch = archOf(machine.arch);
  if (arch === undefined || machine.libc !== 'glibc') {
    const what = arch === undefined ? machine.arch : `${machine.arch} without glibc`;
    return refuse('no-node', `${name} has ${has}, and none is sent to ${what}. ${remedy}.`);
  }
  if (!node.ok) return refuse('no-node', `${name} has ${has}, and ${node.error.message} ${remedy}.`);
  if (node.value.arch !== arch) {
    return refuse(
      'no-node',
      `${name} has ${has}, and is ${arch} where the Node at hand is ${node.value.arch}. ${remedy}; or fetch the one for it (npm pack node-linux-${arch}@24, and unpack it), and name its file: --node package/bin/node.`,
    );
  }
  const path = `${place.prefix}/nodes/${node.value.version}`;
  return ok(machine.nodes.includes(node.value.version) ? { path } : { path, send: node.value });
}

function notesOn({ systemd, lingers, user, programs, dockerConfig, home }: Machine, place: Place): string[] {
  const missing = ['git', 'ssh'].filter((program) => !programs.includes(program));
  return [
    ...(place.scope === 'user' && systemd && !lingers
      ? [`It ends when ${user} logs out, until root says there: loginctl enable-linger ${user}`]
      : []),
    ...(systemd
      ? []
      : ['No systemd starts services there for this user: nothing starts the agent with the machine.']),
    ...(missing.length > 0
      ? [`There is no ${missing.join(' and no ')} there, which builds from git need.`]
      : []),
    ...(place.scope === 'machine' && systemd && !dockerConfig
      ? [
          `There is no ${home}/.docker there: after the first \`docker login\` the agent sees it once it is restarted (systemctl restart ${UNIT_NAME}).`,
        ]
      : []),
  ];
}

function refuse(code: string, message: string): Result<never> {
  return err({ code, message });
}
