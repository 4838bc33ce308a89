import { writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { StepKind } from '@towline/core/job';
import { err, ok, type Result } from '@towline/core/result';
import { type Engine, EngineError } from '../engine/index.ts';
import { NotRecorded } from '../store/index.ts';
import { type DegradedContainer, degradedCommands } from './degraded-commands.ts';
import { engineIsBack, isUnreachable } from './engine-patience.ts';
import { DEFAULT_SETTLE_SECONDS, gateRule, gateWords } from './gate.ts';
import { GateWatch } from './gate-watch.ts';
import type { JobWriter, KeptContainer, ReplaceRecord } from './job-record.ts';
import { object, text } from './json.ts';
import { look } from './look.ts';
import { ofItsImage } from './of-its-image.ts';
import {
  type Action,
  asideActions,
  canBeRecreated,
  decideRecovery,
  finishActions,
  putBackActions,
  removedBefore,
  removesItself,
  renamesLast,
  restoreActions,
  restoreOrder,
  type SavedAndSeen,
} from './recovery.ts';
import { recreateRequest } from './recreate.ts';
import type { SavedContainer } from './saved.ts';
import { PortKept, startContainer } from './start-container.ts';
import { type Step, stepOf } from './steps.ts';
import { tellStanding } from './tell-standing.ts';

/** What the command is made of that creates an old container again which somebody removed. */
export interface Recreate {
  /** The engine's Unix socket. */
  socket: string;
  /** The path of a file for this container's create request. */
  pathOf: (container: string) => string;
}

export interface RecoverOptions {
  engine: Engine;
  jobId: string;
  server: string;
  saved: readonly SavedContainer[];
  /** The containers whose old one was asked to stop, and not seen to. */
  stopping: ReadonlySet<string>;
  write: JobWriter;
  /** `restore` after a failure; `decide` for a job that was interrupted: what is there decides. */
  intent: 'restore' | 'decide';
  committed: boolean;
  /** How long the engine is waited for when it goes away. */
  patienceMs: number;
  recreate: Recreate;
  /** Whether an old container that somebody removed is created again from what is saved of it: where a person asked for it. */
  recreateGone?: boolean;
  /** Ends the waiting, when the agent ends. */
  signal: AbortSignal;
  /** Aborted when an operator cancels what goes on here: up to its commit, all is restored. Absent where nothing goes on. */
  cancel?: AbortSignal;
}

export type Recovered =
  | { state: 'RESTORED' }
  /** Restored because an operator cancelled it. */
  | { state: 'CANCELLED' }
  | { state: 'DONE'; kept: KeptContainer[] }
  | { state: 'DEGRADED'; commands: string[]; message: string }
  /** The agent ends: its next start goes on from what is there. */
  | { state: 'interrupted' };

/**
 * Brings a server into one of its two good states: all old containers serving, or all new ones. It looks at what is
 * there, decides, does, and looks again after an engine that went away, so it may begin at any point and any number of
 * times.
 */
export async function recoverServer(given: RecoverOptions): Promise<Recovered> {
  // An old container that is created again has another id, also for the next attempt.
  const options: Recovery = { ...given, saved: [...given.saved] };
  const { engine, patienceMs, signal } = options;
  // An engine that keeps dying must not keep a job for ever.
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    try {
      return await recoverOnce(options);
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      if (!(await engineIsBack(engine, patienceMs, signal))) break;
    }
  }
  if (signal.aborted) return { state: 'interrupted' };
  return {
    state: 'DEGRADED',
    commands: degradedCommands(options.saved.map((saved) => ({ saved, seen: undefined }))),
    message: `The engine can't be reached, so the old version could not be started again. Start the engine first.`,
  };
}

interface Recovery extends RecoverOptions {
  saved: SavedContainer[];
}

const MAX_ATTEMPTS = 5;

async function recoverOnce(options: Recovery): Promise<Recovered> {
  const { intent, committed, saved, cancel } = options;
  const containers = await lookAll(options);
  if (cancel?.aborted === true && !committed) return takeBack(options, containers);
  const decision = intent === 'restore' && !committed ? 'restore' : decideRecovery(containers, committed);
  switch (decision) {
    case 'finish':
      return finish(options, containers);
    case 'gate': {
      const passed = await gateAll(options, containers);
      if (options.signal.aborted) return { state: 'interrupted' };
      const renamed = passed ? await finishNames(options, containers) : undefined;
      if (cancel?.aborted === true) return takeBack(options, await lookAll(options));
      if (renamed?.ok !== true) return restore(options, await lookAll(options));
      const kept = keptOf(saved);
      const commit = begin(options, 'commit', options.server);
      if (!(await isRecorded(options, commit, { record: 'committed', kept }))) {
        return restore(options, await lookAll(options));
      }
      options.write.emit({ type: 'step-ended', step: commit.id, state: 'DONE', message: WENT_ON });
      return { state: 'DONE', kept };
    }
    case 'restore':
      return restore(options, containers);
  }
}

/** What a person cancelled. */
async function takeBack(options: Recovery, containers: readonly SavedAndSeen[]): Promise<Recovered> {
  const restored = await restore(options, containers);
  return restored.state === 'RESTORED' ? { state: 'CANCELLED' } : restored;
}

/** False where it can't be written down: then it is not done, as in the sequence itself. */
async function isRecorded(
  { write }: Pick<RecoverOptions, 'write'>,
  step: Step,
  record: ReplaceRecord,
): Promise<boolean> {
  try {
    await write.record(record);
    return true;
  } catch (error) {
    if (!(error instanceof NotRecorded)) throw error;
    write.emit({ type: 'step-ended', step: step.id, state: 'ERROR', message: error.message });
    return false;
  }
}

/** Said of a step that an agent leaves which ends: nobody cancelled anything. */
export const LEFT = 'the agent was ended; the job goes on from here once it runs again';

/** Said of a step that an operator cancelled its job in. */
export const CANCELLED = 'The job was cancelled.';

/** Said of a job that another agent began and this one brought to its good end. */
const WENT_ON = 'the agent was interrupted in the middle of this job, and went on from there';

function begin(
  { write }: Pick<RecoverOptions, 'write'>,
  kind: StepKind,
  container: string,
  detail?: string,
): Step {
  const step = stepOf(kind, container);
  write.emit({
    type: 'step-started',
    step: step.id,
    kind,
    container,
    ...(detail !== undefined && { detail }),
  });
  return step;
}

function lookAll(options: RecoverOptions): Promise<SavedAndSeen[]> {
  return Promise.all(options.saved.map((saved) => lookAt(options, saved)));
}

async function lookAt(
  { engine, jobId, stopping }: RecoverOptions,
  saved: SavedContainer,
): Promise<SavedAndSeen> {
  return { ...(await look(engine, saved, jobId)), stopPending: stopping.has(saved.container) };
}

export function keptOf(saved: readonly SavedContainer[]): KeptContainer[] {
  return saved.flatMap((each) => {
    const { container, old } = each;
    return old === undefined || removesItself(each) ? [] : [{ container, id: old.id }];
  });
}

async function finish(options: RecoverOptions, containers: readonly SavedAndSeen[]): Promise<Recovered> {
  const done = await finishNames(options, containers);
  if (done.ok) {
    const { id } = begin(options, 'commit', options.server);
    options.write.emit({ type: 'step-ended', step: id, state: 'DONE', message: WENT_ON });
    return { state: 'DONE', kept: keptOf(options.saved) };
  }
  return {
    state: 'DEGRADED',
    commands: containers.flatMap(({ saved, seen }) =>
      seen.next === undefined || seen.next.name === saved.container
        ? []
        : [`docker rename ${seen.next.id.slice(0, 12)} ${saved.container}`],
    ),
    message: `The new version serves, but not under its name: ${done.error.message}`,
  };
}

async function finishNames(
  options: RecoverOptions,
  containers: readonly SavedAndSeen[],
): Promise<Result<void>> {
  for (const container of containers) {
    const actions = finishActions(container);
    if (!actions.ok) return actions;
    if (actions.value.length === 0) continue;
    const step = begin(options, 'rename', container.saved.container);
    const done = await doAll(options, container.saved, actions.value);
    const message = done.ok ? {} : { message: done.error.message };
    options.write.emit({ type: 'step-ended', step: step.id, state: done.ok ? 'DONE' : 'ERROR', ...message });
    if (!done.ok) return done;
  }
  return ok(undefined);
}

async function gateAll(options: RecoverOptions, containers: readonly SavedAndSeen[]): Promise<boolean> {
  const { engine, signal, cancel, write } = options;
  for (const { saved, seen } of containers) {
    if (seen.next === undefined) return false;
    if (saved.becomes !== 'checked') continue;
    const watch = await GateWatch.openOrLook(engine, seen.next.id);
    try {
      const found = await engine.inspectContainer(seen.next.id);
      if (found === undefined) return false;
      const rule = gateRule(found, saved);
      const step = begin(options, 'gate', saved.container, gateWords(rule));
      const verdict = await watch.verdict(rule, {
        restartCount: found.RestartCount,
        cancel: cancel === undefined ? signal : AbortSignal.any([signal, cancel]),
        onStanding: tellStanding(write, step),
      });
      if (verdict.verdict === 'passed') {
        write.emit({ type: 'step-ended', step: step.id, state: 'DONE', message: verdict.message });
        continue;
      }
      if (verdict.verdict === 'cancelled') {
        const message = signal.aborted ? LEFT : CANCELLED;
        write.emit({ type: 'step-ended', step: step.id, state: 'CANCELLED', message });
        return false;
      }
      const message = `${saved.container} did not pass: ${verdict.message}.`;
      write.emit({ type: 'step-ended', step: step.id, state: 'ERROR', message });
      await keepLog(options, saved.container, seen.next.id);
      return false;
    } finally {
      watch.close();
    }
  }
  return true;
}

/** A container that could not be brought back, and why. */
interface Failure {
  saved: SavedContainer;
  error: { code: string; message: string };
}

const PORT_KEPT = 'port-kept';

async function restore(options: Recovery, containers: readonly SavedAndSeen[]): Promise<Recovered> {
  const failures: Failure[] = [];
  const restored: SavedContainer[] = [];
  for (const container of restoreOrder(containers)) {
    const mayRecreate = options.recreateGone === true || removesItself(container.saved);
    const recreates = mayRecreate && canBeRecreated(container);
    const actions = restoreActions(container);
    if (actions.ok && actions.value.length === 0) continue;
    const detail = recreates ? 'it is gone, and is created again' : undefined;
    const step = begin(options, 'restore', container.saved.container, detail);
    const done = recreates
      ? await recreateOld(options, container.saved, containers)
      : await bringBack(options, container.saved, containers);
    if (options.signal.aborted) return { state: 'interrupted' };
    const message = done.ok ? {} : { message: done.error.message };
    options.write.emit({ type: 'step-ended', step: step.id, state: done.ok ? 'DONE' : 'ERROR', ...message });
    if (!done.ok) failures.push({ saved: container.saved, error: done.error });
    else restored.push(container.saved);
  }
  if (options.recreateGone === true) failures.push(...(await removeSetAside(options, restored)));
  if (failures.length === 0) return { state: 'RESTORED' };
  const left = await Promise.all(
    failures.map(async (failure) => {
      // One that was created again and then did not start is there, under its new id.
      const saved =
        options.saved.find(({ container }) => container === failure.saved.container) ?? failure.saved;
      const { seen } = await look(options.engine, saved, options.jobId);
      const gone = saved.old !== undefined && seen.old === undefined;
      const recreate = gone ? await saveRecreate(options, saved) : undefined;
      return { saved, seen, recreate, socket: options.recreate.socket };
    }),
  );
  return {
    state: 'DEGRADED',
    commands: [
      ...(failures.some(({ error }) => error.code === PORT_KEPT) ? ['systemctl restart docker'] : []),
      ...degradedCommands(left),
    ],
    message: failures.map(({ error }) => error.message).join(' '),
  };
}

/** Creates an old container that is gone as it was, beside what has its name, and then restores it as any other. */
async function recreateOld(
  options: Recovery,
  saved: SavedContainer,
  all: readonly SavedAndSeen[],
): Promise<Result<void>> {
  const { engine, write } = options;
  const { container, old } = saved;
  const request = recreateRequest(saved, options.saved);
  if (old === undefined || request === undefined) {
    return err({ code: 'old-gone', message: `${container} is not there, and can't be created again.` });
  }
  try {
    // An attempt that was cut off may have made it.
    const made = await engine.inspectContainer(saved.previousName);
    const { Image, Config } = old.inspect;
    const named = { ...request.body, Image: object(Config).Image };
    const id =
      made?.Name === `/${saved.previousName}`
        ? made.Id
        : (await engine.createContainer(saved.previousName, await ofItsImage(engine, named, text(Image)))).id;
    const again: SavedContainer = { ...saved, old: { ...old, id } };
    options.saved = options.saved.map((each) => (each.container === container ? again : each));
    const recorded = await recordIfPossible(write, options.saved);
    return await bringBack(options, again, all, recorded ? 'as-ever' : 'last');
  } catch (error) {
    if (isUnreachable(error) || !(error instanceof EngineError)) throw error;
    return err({
      code: error.code,
      message: `${container} was removed, and could not be created again: ${error.message}`,
    });
  }
}

/**
 * The old one in the place of the new one. Where a person asks for it, perhaps long after the job, the new one may be all that
 * serves and nobody knows whether the old one still can: then it is only set aside, and comes back if the old one does not.
 */
async function bringBack(
  options: Recovery,
  saved: SavedContainer,
  all: readonly SavedAndSeen[],
  named: 'as-ever' | 'last' = 'as-ever',
): Promise<Result<void>> {
  const { engine, jobId, signal } = options;
  const container = await lookAt(options, saved);
  const found = restoreActions(container);
  if (!found.ok) return found;
  const actions = named === 'last' ? renamesLast(found.value) : found.value;
  if (options.recreateGone !== true || saved.old === undefined || container.seen.next === undefined) {
    return await doAll(options, saved, [...removedBefore(container, all), ...actions]);
  }
  const rest = actions.filter((action) => action.do !== 'remove');
  const done = await doAll(options, saved, [...asideActions(container), ...rest]);
  if (done.ok || signal.aborted) return done;
  const { seen } = await look(engine, saved, jobId);
  const back = await doAll(options, saved, putBackActions(container, seen));
  const then = back.ok ? PUT_BACK : `${NOT_PUT_BACK} ${back.error.message}`;
  return err({ ...done.error, message: `${done.error.message} ${then}` });
}

const PUT_BACK = 'The new version is back in its place.';
const NOT_PUT_BACK = 'The new version could not be put back in its place.';

/** The new ones of what is restored, last started first: an engine may refuse to remove one that another hangs on. */
async function removeSetAside(options: Recovery, restored: readonly SavedContainer[]): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const saved of restored.toReversed()) {
    const { seen } = await look(options.engine, saved, options.jobId);
    if (seen.next === undefined) continue;
    const removed = await doAll(options, saved, [{ do: 'remove', id: seen.next.id }]);
    if (!removed.ok) failures.push({ saved, error: removed.error });
  }
  return failures;
}

/** False where it can't be written down. Then the old one has to be known by its name, until it serves. */
async function recordIfPossible(write: JobWriter, saved: readonly SavedContainer[]): Promise<boolean> {
  try {
    await write.record({ record: 'saved', containers: [...saved] });
    return true;
  } catch (error) {
    if (!(error instanceof NotRecorded)) throw error;
    return false;
  }
}

/** Does the actions in order; an engine that is away is thrown, anything else that fails is the result. */
async function doAll(
  options: RecoverOptions,
  saved: SavedContainer,
  actions: readonly Action[],
): Promise<Result<void>> {
  try {
    for (const action of actions) {
      const done = await doOne(options, saved, action);
      if (!done.ok) return done;
    }
    return ok(undefined);
  } catch (error) {
    if (isUnreachable(error) || !(error instanceof EngineError)) throw error;
    const code = error instanceof PortKept ? PORT_KEPT : error.code;
    return err({ code, message: `${saved.container}: ${error.message}` });
  }
}

async function doOne(options: RecoverOptions, saved: SavedContainer, action: Action): Promise<Result<void>> {
  const { engine } = options;
  switch (action.do) {
    case 'remove':
      await patiently(options, () => removeIfThere(engine, action.id));
      return ok(undefined);
    case 'rename':
      await engine.renameContainer(action.id, action.to);
      return ok(undefined);
    case 'disconnect':
      await engine.disconnectNetwork(action.network, action.id);
      return ok(undefined);
    case 'connect':
      await engine.connectNetwork(action.network, action.id, action.endpoint);
      return ok(undefined);
    case 'set-restart':
      await engine.setRestartPolicy(action.id, action.policy);
      return ok(undefined);
    case 'stop':
      await engine.stopContainer(action.id);
      return ok(undefined);
    case 'await-stop':
      await awaitStop(engine, action.id);
      return ok(undefined);
    case 'start':
      if (action.gate) return startAndGate(options, saved, action.id);
      await patiently(options, () => startContainer(engine, action.id));
      return ok(undefined);
  }
}

/** In milliseconds, between the tries. */
const PAUSES = [250, 500, 1_000, 2_000];

/**
 * Nothing serves meanwhile, so what the engine refuses is asked for again before it is given up: it may do the like for
 * somebody else, such as the removal of a container that a person removes as well.
 */
async function patiently({ signal }: RecoverOptions, call: () => Promise<void>): Promise<void> {
  for (const pauseMs of PAUSES) {
    try {
      return await call();
    } catch (error) {
      const refused = error instanceof EngineError && (error.code === 'engine' || error.code === 'conflict');
      if (!refused || signal.aborted) throw error;
    }
    await wait(pauseMs, undefined, { signal }).catch(() => undefined);
  }
  await call();
}

async function startAndGate(
  options: RecoverOptions,
  saved: SavedContainer,
  id: string,
): Promise<Result<void>> {
  const { engine, signal } = options;
  const watch = await GateWatch.openOrLook(engine, id);
  try {
    await patiently(options, () => startContainer(engine, id));
    const found = await engine.inspectContainer(id);
    if (found === undefined) return err({ code: 'old-gone', message: `${saved.container} was removed.` });
    // The map may give a new version minutes to prove itself; the old one has. Nor does the map's probe have to be one
    // that the old version answers.
    const rule = gateRule(found, { settleSeconds: Math.min(saved.settleSeconds, DEFAULT_SETTLE_SECONDS) });
    const verdict = await watch.verdict(rule, { restartCount: found.RestartCount, cancel: signal });
    if (verdict.verdict !== 'failed') return ok(undefined);
    return err({
      code: verdict.code,
      message: `The old ${saved.container} was started again and did not pass: ${verdict.message}.`,
    });
  } finally {
    watch.close();
  }
}

/** Asking again joins the stop that is under way. One that can't be stopped goes on serving, which is as good. */
async function awaitStop(engine: Engine, id: string): Promise<void> {
  try {
    await engine.stopContainer(id);
  } catch (error) {
    if (isUnreachable(error) || !(error instanceof EngineError)) throw error;
  }
}

async function removeIfThere(engine: Engine, id: string): Promise<void> {
  try {
    await engine.removeContainer(id, { force: true });
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'not-found')) throw error;
  }
}

const LOG_LINES = 200;

/** The last words of a container that failed, before it is removed. Nothing depends on having them. */
export async function keepLog(
  { engine, write }: Pick<RecoverOptions, 'engine' | 'write'>,
  container: string,
  id: string,
): Promise<void> {
  try {
    const lines = await engine.tailLogs(id, LOG_LINES);
    if (lines.length > 0) write.emit({ type: 'container-log', container, lines });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
  }
}

async function saveRecreate(
  options: RecoverOptions,
  saved: SavedContainer,
): Promise<DegradedContainer['recreate']> {
  const request = recreateRequest(saved, options.saved);
  if (request === undefined) return undefined;
  const path = options.recreate.pathOf(saved.container);
  try {
    await writeFile(path, `${JSON.stringify(request.body)}\n`, { mode: 0o600 });
    return { file: path, connect: request.connect };
  } catch {
    // A full disk: the journal has the inspect all the same.
    return undefined;
  }
}
