import { describeEngine, findEngine } from '@towline/core/engine';
import { err, ok, type Result } from '@towline/core/result';
import { shellWord } from '../link/index.ts';
import { editedStart, installedEngine, runningEngine } from './installed-engine.ts';
import type { Machine } from './machine.ts';
import { archOf, isNewEnough, LEAST_NODE, type NodeBinary } from './node-binary.ts';
import type { Span } from './perform.ts';
import { type Place, placeOn, UNIT_NAME, versionFolder } from './place.ts';
import { logOf, startByHand, startFile, startText, startWords } from './start-file.ts';
import type { Step } from './step.ts';
import { launcherText, unitText } from './unit.ts';

/** What is to be installed. */
export interface Wanted {
  /** The agent's version with what tells its builds apart: `0.1.0-3f2a9c01d4e5`. */
  version: string;
  agentBytes: number;
  /** What is sent where the machine has no Node that fits; or why none is at hand. */
  node: Result<NodeBinary>;
  /** Whether a person named that Node. */
  nodeNamed: boolean;
  /** The engine, as it was asked for. Without it that of the agent which is there, or the one that is found. */
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
  /** The steps that touch what runs. */
  between: Span;
  /** What asks the machine why an agent does not start. */
  lastWords: string;
  /** What is worth knowing before one says yes. */
  notes: readonly string[];
  /** The version that is there already. */
  before?: string;
  /** Whether an agent runs there that is to be started again. */
  restarts: boolean;
  engine: string;
  /** The engine of the agent that is there, where it gets another. */
  engineBefore?: string;
  /** How it is started by hand, where nothing starts it. */
  start?: string;
}

/**
 * The steps that bring this agent to a machine, or a newer one in the place of an older. Errors: `not-linux`, `no-node`,
 * `engine-denied`, `engine-address`, `unit-edited`, `other-agent`.
 */
export function planInstall(machine: Machine, wanted: Wanted, name: string): Result<InstallPlan> {
  const place = placeOn(machine);
  if (machine.os !== 'Linux') {
    return refuse('not-linux', `${name} is ${machine.os}; the agent is installed on Linux alone.`);
  }
  const other = otherAgent(machine, place, name);
  if (other !== undefined) return other;
  const engine = engineOn(machine, wanted, place, name);
  if (!engine.ok) return engine;
  const node = nodeFor(machine, wanted, place, name);
  if (!node.ok) return node;
  const { current, agent } = machine;
  const { version } = wanted;
  const { url } = engine.value;
  const folder = versionFolder(place, version);
  const starter = starterOn(machine, place, url);
  const restarts = agent !== undefined;
  const starts = machine.systemd || restarts || wanted.start;
  const engineBefore = engineBeforeOn(machine, wanted, url);
  const leftOver = leftOverOn(machine, place, version, node.value.path);
  const plan = {
    place,
    notes: [
      ...(engineBefore === undefined ? [] : [`Its engine becomes ${url}; it was ${engineBefore}.`]),
      ...engine.value.notes,
      ...node.value.notes,
      ...notesOn(machine, place, starts),
    ],
    restarts,
    engine: url,
    ...(engineBefore !== undefined && { engineBefore }),
    lastWords: machine.systemd ? lastOfJournal(place, machine.now) : lastOfLog(place),
    ...(current !== undefined && { before: current }),
    ...(!machine.systemd && { start: startByHand(place) }),
  };
  const steps: Step[] = [...lingerOn(machine, place)];
  const isThere = isOn(machine, version);
  const { replaces } = node.value;
  // Where the line was lost in the middle of an exchange the one of before may run on.
  const runs = restarts ? agent.command.includes(agentIn(folder)) && engineBefore === undefined : !starts;
  const isWritten = starter.text === starter.there;
  // It runs where it should, as it should. What is read only by its next start is written under it.
  if (isThere && replaces === undefined && runs && (isWritten || starter.kind === 'file')) {
    if (!isWritten) steps.push(writeStart(place, starter.text));
    const between = { from: steps.length, to: steps.length };
    return ok({ ...plan, steps: [...steps, ...leftOver], back: [], between });
  }
  steps.push(...bring(place, wanted, node.value, isThere));
  const from = steps.length;
  const isAnother = current !== version;
  const before = machine.currentRuns ? current : undefined;
  const goesBack = isAnother && restarts && { before };
  steps.push(...serve(place, machine, { version, starter, starts, ...goesBack }));
  const to = steps.length;
  steps.push(...leftOver);
  const old = starterBefore(machine, place, url);
  const back: Step[] =
    before === undefined || !(isAnother || restarts)
      ? []
      : serve(place, machine, { version: before, starter: old, starts: restarts });
  if (back.length > 0 && replaces !== undefined) back.unshift(writeLauncher(folder, replaces));
  if (isAnother && before !== undefined) {
    back.push({ kind: 'run', name: 'remove what failed', command: `rm -rf ${shellWord(folder)}` });
  }
  return ok({ ...plan, steps, back, between: { from, to } });
}

/** What does not touch what runs: the programs, tried. Where they are there already it is another Node for them, if any. */
function bring(
  place: Place,
  { version, agentBytes }: Wanted,
  { path, send, replaces }: ChosenNode,
  isThere: boolean,
): Step[] {
  const { prefix } = place;
  const q = shellWord;
  const folder = versionFolder(place, version);
  const launched = launcherIn(folder);
  const sendNode: Step[] =
    send === undefined
      ? []
      : [
          {
            kind: 'send',
            name: `send Node ${send.version}`,
            item: 'node',
            bytes: send.bytes,
            path,
            mode: '755',
          },
        ];
  if (isThere) {
    if (replaces === undefined) return [];
    const next = `${launched}.next`;
    const command = `${tried(place, next)} && mv -f ${q(next)} ${q(launched)}`;
    return [...sendNode, writeLauncher(folder, path, next), { kind: 'run', name: 'try it', command }];
  }
  const parts = `${folder}.part`;
  return [
    {
      kind: 'run',
      name: 'make its folder',
      command: `umask 022; mkdir -p ${q(`${prefix}/versions`)} ${q(`${prefix}/nodes`)} && rm -rf ${q(parts)} && mkdir ${q(parts)}`,
    },
    ...sendNode,
    {
      kind: 'send',
      name: 'send the agent',
      item: 'agent',
      bytes: agentBytes,
      path: agentIn(parts),
      mode: '644',
    },
    writeLauncher(folder, path, launcherIn(parts)),
    {
      kind: 'run',
      name: 'try it',
      command: `rm -rf ${q(folder)} && mv ${q(parts)} ${q(folder)} && ${tried(place, launched)}`,
    },
  ];
}

function agentIn(folder: string): string {
  return `${folder}/towline-agent.cjs`;
}

function launcherIn(folder: string): string {
  return `${folder}/towline-agent`;
}

/** What starts the agent of a version's folder with this Node, at first maybe in another place. */
function writeLauncher(folder: string, node: string, path = launcherIn(folder)): Step {
  const text = launcherText(node, agentIn(folder));
  return { kind: 'write', name: 'write what starts it', path, mode: '755', text };
}

/** What starts an agent: a unit of systemd, or a file that somebody runs. */
interface Starter {
  kind: 'unit' | 'file';
  text: string;
}

/** The one that is to be, and what is in its place. */
function starterOn(
  { systemd, unit, startFile }: Machine,
  place: Place,
  engine: string,
): Starter & { there: string | undefined } {
  return systemd
    ? { kind: 'unit', text: unitText(place, engine), there: unit }
    : { kind: 'file', text: startText(place, engine), there: startFile };
}

/** The one of the agent that is there, with the engine that this one has. */
function starterBefore(machine: Machine, place: Place, engine: string): Starter {
  if (machine.systemd && machine.unit !== undefined) return { kind: 'unit', text: machine.unit };
  const before = runningEngine(machine.agent) ?? installedEngine(machine) ?? engine;
  return { kind: 'file', text: startText(place, before) };
}

/** The engine of the agent that is there, for people, where it is to be another. */
function engineBeforeOn(machine: Machine, { engine }: Wanted, url: string): string | undefined {
  // Of what a person wrote for systemd nothing changes.
  if (editedStart(machine) !== undefined) return undefined;
  const unsaid = engine === undefined ? undefined : 'the one that it looked for itself';
  const before =
    machine.agent === undefined ? installedEngine(machine) : (runningEngine(machine.agent) ?? unsaid);
  return before === url ? undefined : before;
}

function writeStart(place: Place, text: string): Step {
  return { kind: 'write', name: 'write how it is started', path: startFile(place), mode: '755', text };
}

/** What other versions, and installations that were cut off, have left. */
function leftOverOn(machine: Machine, place: Place, version: string, node: string): Step[] {
  const { versions, nodes } = machine;
  const left = [
    // Of before systemd was there.
    ...(machine.systemd && machine.startFile !== undefined ? [startFile(place)] : []),
    ...versions.filter((each) => each !== version).map((each) => versionFolder(place, each)),
    ...nodes.map((each) => `${place.prefix}/nodes/${each}`).filter((path) => path !== node),
  ];
  const command = `rm -rf ${left.map(shellWord).join(' ')}`;
  return left.length === 0 ? [] : [{ kind: 'run', name: 'remove what was before', command }];
}

/**
 * A user's systemd ends with their last login, and the agent with it: seconds after whoever came over SSH has gone, in the middle of
 * what they left it to do. logind lets anybody have it go on for themselves, where polkit is there to ask.
 */
function lingerOn({ systemd, lingers, user }: Machine, place: Place): Step[] {
  if (place.scope !== 'user' || !systemd || lingers) return [];
  const remedy = `Root has to say so there: loginctl enable-linger ${user}`;
  return [
    {
      kind: 'run',
      name: `have what ${user} runs go on when ${user} has logged out`,
      command: `loginctl --no-ask-password enable-linger || { echo ${shellWord(remedy)}; exit 1; }`,
    },
  ];
}

/**
 * What the agent said itself since then, or else systemd of it: of an agent that ends at once systemd's lines would be all that is
 * seen, and of one that says nothing what another said before.
 */
function lastOfJournal({ scope }: Place, since: number): string {
  const user = scope === 'user';
  const how = `--since=@${since} --no-pager -q -o cat`;
  const own = `journalctl ${user ? '_SYSTEMD_USER_UNIT' : '_SYSTEMD_UNIT'}=${UNIT_NAME} -n 24 ${how}`;
  const all = `journalctl ${user ? '--user ' : ''}-u ${UNIT_NAME} -n 12 ${how}`;
  return `said=$(${own}); [ -n "$said" ] || said=$(${all}); echo "$said"`;
}

interface Served {
  version: string;
  starter: Starter;
  starts: boolean;
  /** What runs before it: the machine goes back to that by itself, whoever is not there any more to have it do so. */
  before?: string | undefined;
}

/** Makes a version the current one, and lets it run where it is to. */
function serve(place: Place, machine: Machine, { version, starter, starts, before }: Served): Step[] {
  const { systemctl, unit: unitFile } = place;
  const steps: Step[] = [{ kind: 'run', name: 'switch to it', command: switchTo(place, version) }];
  const begin = (command: string, name: string) => steps.push({ kind: 'run', name, command });
  if (starter.kind === 'unit') {
    // One that was started by hand, before systemd was there.
    if (machine.unit === undefined && machine.agent !== undefined) begin(stopByHand(place), 'stop what runs');
    const folder = unitFile.slice(0, unitFile.lastIndexOf('/'));
    if (place.scope === 'user') begin(`mkdir -p ${shellWord(folder)}`, 'make the folder of its unit');
    steps.push({ kind: 'write', name: 'write its unit', path: unitFile, mode: '644', text: starter.text });
    begin(`${systemctl} daemon-reload`, 'have systemd read it');
    begin(`${systemctl} enable ${UNIT_NAME}`, 'have systemd start it with the machine');
    const restart = `${systemctl} restart ${UNIT_NAME}`;
    const orBack = before === undefined ? '' : ` || {\n${switchTo(place, before)} && ${restart}\nexit 1; }`;
    begin(`${restart}${orBack}`, 'start it');
    // It may have been started again often before: counting begins here, and systemd waits before the next time.
    const count = `$(${systemctl} show -p NRestarts --value ${UNIT_NAME})`;
    const comesUp = untilSocket(place, `[ "${count}" = "$r" ]`);
    // One whose line was lost, and that is begun anew, may have gone back meanwhile.
    const still = `[ "$(readlink ${shellWord(`${place.prefix}/current`)})" = ${shellWord(`versions/${version}`)} ]`;
    begin(`r=${count}\n(${comesUp}\n${still})${orBack}`, 'see that it comes up');
  } else {
    steps.push(writeStart(place, starter.text));
    if (starts) {
      begin(stopByHand(place), 'stop what runs');
      begin(startAndSee(place), 'start it');
    }
  }
  if (starts) steps.push({ kind: 'answer', name: 'see whether it answers' });
  return steps;
}

function switchTo({ prefix }: Place, version: string): string {
  const next = shellWord(`${prefix}/current.next`);
  return `ln -sfn ${shellWord(`versions/${version}`)} ${next} && mv -Tf ${next} ${shellWord(`${prefix}/current`)}`;
}

/** Of one that could write nothing there is nothing to read: its disk may be full. */
function lastOfLog(place: Place): string {
  const log = shellWord(logOf(place));
  return `if [ -s ${log} ]; then tail -n 12 ${log}; else echo 'Nothing. Is there room left?'; df -h ${shellWord(place.stateDir)}; fi`;
}

/** 126 is a program that is there and may not be run: a hardened machine's own folders may be closed to all of them. */
function tried({ prefix }: Place, launcher: string): string {
  const remedy = `No program may be run from ${prefix}. See whether it is mounted noexec: findmnt -T ${prefix}`;
  return `{ ${shellWord(launcher)} --version || { r=$?; [ $r -ne 126 ] || echo ${shellWord(remedy)}; exit $r; }; }`;
}

/** Waits for the agent's socket for as long as `lives` says yes, half a minute at most. */
function untilSocket({ socket }: Place, lives: string): string {
  return [
    `n=0; until [ -S ${shellWord(socket)} ]; do`,
    `  ${lives} || { echo 'It ended. It said:'; exit 1; }`,
    `  [ $n -lt 300 ] || { echo 'It runs, and has made no socket in half a minute. It said:'; exit 1; }`,
    '  sleep 0.1; n=$((n+1)); done',
  ].join('\n');
}

function startAndSee(place: Place): string {
  return [
    `rm -f ${shellWord(place.socket)}; ${startWords(place)} & pid=$!`,
    untilSocket(place, '{ kill -0 $pid 2>/dev/null; }'),
  ].join('\n');
}

/**
 * Ends the installation's own agent, and waits for that: the one that its state folder names, where it is one. One that hangs is killed
 * after half a minute, as systemd does it: its jobs are in their journals.
 */
export function stopByHand({ stateDir, prefix }: Place): string {
  const lock = shellWord(`${stateDir}/agent.lock`);
  return [
    `pid=$(sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p' ${lock} 2>/dev/null)`,
    `runs() { [ -n "$pid" ] && tr '\\000' ' ' 2>/dev/null </proc/$pid/cmdline | grep -qF ${shellWord(`${prefix}/versions/`)}; }`,
    'ended() { n=0; while runs; do [ $n -lt 300 ] || return 1; sleep 0.1; n=$((n+1)); done; }',
    'runs && kill "$pid"; ended || { kill -9 "$pid"; ended; }',
  ].join('\n');
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
  machine: Machine,
  { engine }: Wanted,
  place: Place,
  name: string,
): Result<{ url: string; notes: string[] }> {
  const { engines, user } = machine;
  const installed = installedEngine(machine);
  if (engine === undefined && installed !== undefined) return ok({ url: installed, notes: [] });
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
    const url = describeEngine(asked.value);
    const edited = editedStart(machine);
    if (edited !== undefined && edited.engine !== url) {
      const theirs = edited.engine === undefined ? 'no --engine' : `--engine ${edited.engine}`;
      return refuse(
        'unit-edited',
        `${name}: what \`systemctl edit\` wrote in ${place.unit}.d starts the agent by words of its own, with ${theirs}, and --engine would change nothing. Name the engine there (${place.systemctl} edit ${UNIT_NAME}), and restart it (${place.systemctl} restart ${UNIT_NAME}).`,
      );
    }
    const found = usable !== undefined || asked.value.kind === 'tcp';
    const notes = found
      ? []
      : [`There is no engine's socket ${engine} on ${name} now; the agent waits for it.`];
    return ok({ url, notes });
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

/** Whether this version is there, and can be started. */
function isOn({ currentRuns, current }: Machine, version: string): boolean {
  return currentRuns && current === version;
}

interface ChosenNode {
  path: string;
  /** What is sent there first. */
  send?: NodeBinary;
  /** The one that this version was started with before. */
  replaces?: string;
  notes: readonly string[];
}

/** Where the agent's Node is. One that is there goes on with the Node that was brought for it, unless another is named. */
function nodeFor(
  machine: Machine,
  { version, node, nodeNamed }: Wanted,
  place: Place,
  name: string,
): Result<ChosenNode> {
  const brought = (which: string) => `${place.prefix}/nodes/${which}`;
  const { node: own, nodeUsed } = machine;
  const used = isOn(machine, version) && nodeUsed !== undefined ? brought(nodeUsed) : undefined;
  if (used !== undefined && !nodeNamed) return ok({ path: used, notes: [] });
  // The machine's unit sees no homes, and a /tmp of its own.
  const hidden = place.scope === 'machine' && machine.systemd;
  const lasts = !hidden || !/^\/(?:home|root|tmp|run)\//.test(own?.target ?? '');
  if (own !== undefined && isNewEnough(own.version) && lasts) {
    const unsent = `--node is not sent: ${name} has Node ${own.version.replace(/^v/, '')} at ${own.path}, which fits.`;
    return ok({ path: used ?? own.path, notes: nodeNamed ? [unsent] : [] });
  }
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
  const path = brought(node.value.version);
  return ok({
    path,
    ...(!machine.nodes.includes(node.value.version) && { send: node.value }),
    ...(used !== undefined && used !== path && { replaces: used }),
    notes: [],
  });
}

function notesOn(machine: Machine, place: Place, starts: boolean): string[] {
  const { systemd, programs, dockerConfig, sshConfig, home } = machine;
  const byHand = `As its user, there: ${startByHand(place)}`;
  const unseen = place.scope === 'machine' && systemd;
  const sees = `the agent sees it once it is restarted (systemctl restart ${UNIT_NAME})`;
  const missing = ['git', 'ssh'].filter((program) => !programs.includes(program));
  return [
    ...(systemd
      ? []
      : [
          starts
            ? `No systemd starts services there for this user: once the machine starts anew, nothing starts the agent. ${byHand}`
            : `No systemd starts services there for this user: nothing starts the agent, now or with the machine; --start does it now. ${byHand}`,
        ]),
    ...(missing.length > 0
      ? [`There is no ${missing.join(' and no ')} there, which builds from git need.`]
      : []),
    ...(unseen && !dockerConfig
      ? [`There is no ${home}/.docker there: after the first \`docker login\` ${sees}.`]
      : []),
    ...(unseen && !sshConfig
      ? [`There is no ${home}/.ssh there: with the first key or known host in it ${sees}.`]
      : []),
  ];
}

function refuse(code: string, message: string): Result<never> {
  return err({ code, message });
}
