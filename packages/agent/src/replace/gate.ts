import type { Probe } from '@towline/core/protocol';
import type { ContainerInspect } from '../engine/index.ts';
import { probeWords } from './probe-words.ts';

/** What lets a container through: its healthcheck, else the map's probe, else that it runs for some time. */
export type GateRule =
  | {
      kind: 'healthcheck';
      intervalMs: number;
      retries: number;
      /** After this time its verdict is not waited for any more. */
      limitMs: number;
    }
  | {
      kind: 'probe';
      probe: Probe;
      /** It has to run for as long, whatever is answered: where others answer at its address as well. */
      limitMs: number;
    }
  | { kind: 'settle'; limitMs: number };

/** What the map says of a container's check. */
export interface GateWishes {
  settleSeconds: number;
  probe?: Probe | undefined;
}

/** What is seen of a container while it is at the gate. */
export type GateObservation =
  | { type: 'inspected'; seen: GateView /** Whether the rule's time is over. */; elapsed: boolean }
  | { type: 'gone' }
  | { type: 'died'; exitCode: number | undefined }
  | { type: 'health'; status: string }
  | {
      type: 'answered';
      ok: boolean;
      words: string /** When it was asked, after the start. */;
      askedMs: number;
    };

export interface GateView {
  running: boolean;
  restarting: boolean;
  restartCount: number;
  startedAt: string;
  exitCode: number;
  health: string | undefined;
  /** Failures of its healthcheck in a row. */
  healthFailures: number;
  /** The last words of its healthcheck, on one line. */
  healthOutput: string;
}

export type GateCode = 'exited' | 'restarting' | 'unhealthy' | 'health-timeout' | 'probe-failed' | 'removed';

export type GateState =
  | {
      verdict: 'waiting';
      rule: GateRule;
      restartCount: number;
      startedAt: string | undefined;
      /** How often it was asked. */
      tries: number;
      /** Failures in a row that count. */
      failures: number;
      /** What came back last. */
      last: string | undefined;
      /** The last answer was a good one. */
      answers: boolean;
      /** One answer was: its start period is over. */
      started: boolean;
    }
  | { verdict: 'passed' /** What let it through. */; message: string }
  | { verdict: 'failed'; code: GateCode; message: string };

/** Seconds for which a container without a healthcheck must run, where the map does not say. */
export const DEFAULT_SETTLE_SECONDS = 3;

const SECOND_IN_NS = 1_000_000_000;
/** The engine's defaults for a healthcheck that leaves these out. */
const DEFAULT_INTERVAL_NS = 30 * SECOND_IN_NS;
const DEFAULT_TIMEOUT_NS = 30 * SECOND_IN_NS;
const DEFAULT_RETRIES = 3;
/** A healthcheck on a loaded machine starts late. */
const HEALTH_MARGIN_MS = 15_000;
/** Node's timers have no longer ones, and end at once where they are told to: 24.8 days. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * The rule for a container as it was created. The engine itself ends a healthcheck that fails; the limit is for one that
 * hangs. On the host's network, or another container's, something else may listen on the port while the new container
 * ends because it can't: there it has to run for its settle time as well.
 */
export function gateRule(container: ContainerInspect, { settleSeconds, probe }: GateWishes): GateRule {
  const check = container.Config.Healthcheck;
  if (isHealthcheck(check)) {
    const interval = check.Interval || DEFAULT_INTERVAL_NS;
    const timeout = check.Timeout || DEFAULT_TIMEOUT_NS;
    const retries = check.Retries || DEFAULT_RETRIES;
    const wholeNs = (check.StartPeriod || 0) + (interval + timeout) * (retries + 1);
    return {
      kind: 'healthcheck',
      intervalMs: interval / 1_000_000,
      retries,
      limitMs: Math.min(wholeNs / 1_000_000 + HEALTH_MARGIN_MS, LONGEST_MS),
    };
  }
  const settleMs = settleSeconds * 1000;
  if (probe === undefined) return { kind: 'settle', limitMs: settleMs };
  const mode = container.HostConfig.NetworkMode ?? '';
  const shared = mode === 'host' || mode.startsWith('container:');
  return { kind: 'probe', probe, limitMs: shared ? settleMs : 0 };
}

/** Whether there is one: an image's or a container's may be absent, or `NONE`. */
export function isHealthcheck<T extends { Test?: readonly string[] | undefined }>(
  check: T | null | undefined,
): check is T {
  const kind = check?.Test?.[0];
  return kind !== undefined && kind !== 'NONE';
}

/** `restartCount` is what the engine had counted before the start: 0 for a new container. */
export function beginGate(rule: GateRule, restartCount: number): GateState {
  return {
    verdict: 'waiting',
    rule,
    restartCount,
    startedAt: undefined,
    tries: 0,
    failures: 0,
    last: undefined,
    answers: false,
    started: false,
  };
}

export function gateView(container: ContainerInspect): GateView {
  const { State } = container;
  return {
    running: State.Running && !State.Restarting,
    restarting: State.Restarting,
    restartCount: container.RestartCount,
    startedAt: State.StartedAt,
    exitCode: State.ExitCode,
    health: State.Health?.Status,
    healthFailures: State.Health?.FailingStreak ?? 0,
    healthOutput: lastHealthOutput(container),
  };
}

const MAX_HEALTH_OUTPUT = 300;

/** The last words of a container's healthcheck, on one line; empty where it said nothing. */
function lastHealthOutput({ State }: ContainerInspect): string {
  const output = State.Health?.Log?.at(-1)?.Output ?? '';
  return output.replace(/\s+/g, ' ').trim().slice(0, MAX_HEALTH_OUTPUT);
}

/**
 * The fold of what is observed. With a restart policy an image that exits at once looks as if it ran whenever one
 * looks, so an exit that was told of, a restart that was counted and another time of start fail as well. An answer alone
 * lets nobody through: the look after it does, which sees whether the container is still the one that was started.
 */
export function observeGate(state: GateState, observation: GateObservation): GateState {
  if (state.verdict !== 'waiting') return state;
  switch (observation.type) {
    case 'gone':
      return failed('removed', 'it was removed while it was checked');
    case 'died':
      return failed('exited', exitedWith(observation.exitCode));
    case 'health':
      return state.rule.kind === 'healthcheck' ? byHealth(state, observation.status) : state;
    case 'inspected':
      return byView(state, observation.seen, observation.elapsed);
    case 'answered':
      return byAnswer(state, observation);
  }
}

type Waiting = Extract<GateState, { verdict: 'waiting' }>;

function byView(state: Waiting, seen: GateView, elapsed: boolean): GateState {
  if (seen.restarting || seen.restartCount > state.restartCount) {
    return failed('restarting', `it ends again and again (last with code ${seen.exitCode})`);
  }
  if (!seen.running) return failed('exited', exitedWith(seen.exitCode));
  if (state.startedAt !== undefined && state.startedAt !== seen.startedAt) {
    return failed('restarting', 'it was started a second time while it was checked');
  }
  const known: Waiting = { ...state, startedAt: seen.startedAt };
  switch (state.rule.kind) {
    case 'settle':
      return elapsed ? passed(`ran for ${seconds(state.rule.limitMs)} without a restart`) : known;
    case 'probe':
      return elapsed && state.answers
        ? passed(`${probeWords(state.rule.probe.check)}: ${state.last}`)
        : known;
    case 'healthcheck': {
      const told: Waiting = {
        ...known,
        failures: seen.healthFailures,
        last: seen.healthOutput === '' ? undefined : seen.healthOutput,
      };
      const judged = byHealth(told, seen.health ?? 'starting');
      if (judged.verdict !== 'waiting' || !elapsed) return judged;
      return failed('health-timeout', `its healthcheck came to no verdict in ${seconds(state.rule.limitMs)}`);
    }
  }
}

function byHealth(state: Waiting, status: string): GateState {
  if (status === 'healthy') return passed('healthy');
  if (status === 'unhealthy') {
    return failed('unhealthy', `its healthcheck fails${state.last === undefined ? '' : `: ${state.last}`}`);
  }
  return state;
}

function byAnswer(
  state: Waiting,
  { ok, words, askedMs }: Extract<GateObservation, { type: 'answered' }>,
): GateState {
  const { rule } = state;
  if (rule.kind !== 'probe') return state;
  const told: Waiting = { ...state, tries: state.tries + 1, last: words, answers: ok };
  if (ok) return { ...told, failures: 0, started: true };
  const { check, retries, startPeriodMs } = rule.probe;
  if (!state.started && askedMs < startPeriodMs) return told;
  const failures = state.failures + 1;
  if (failures < retries) return { ...told, failures };
  const times = retries === 1 ? '' : ` ${retries} times in a row`;
  return failed('probe-failed', `${probeWords(check)} failed${times}, last: ${words}`);
}

/** What is waited for, with its numbers, for people. */
export function gateWords(rule: GateRule): string {
  switch (rule.kind) {
    case 'settle':
      return `has to run for ${seconds(rule.limitMs)} without a restart`;
    case 'healthcheck':
      return `waits for its healthcheck, every ${seconds(rule.intervalMs)}; ${tooMany(rule.retries)}`;
    case 'probe': {
      const { check, intervalMs, retries, startPeriodMs } = rule.probe;
      const later = startPeriodMs > 0 ? `, after its first ${seconds(startPeriodMs)}` : '';
      const also = rule.limitMs > 0 ? `; has to run for ${seconds(rule.limitMs)} as well` : '';
      return `asks ${probeWords(check)} every ${seconds(intervalMs)}; ${tooMany(retries)}${later}${also}`;
    }
  }
}

/** How it stands, for people; undefined while there is nothing to say. */
export function gateStanding(state: GateState): { tries: number; words: string } | undefined {
  if (state.verdict !== 'waiting') return undefined;
  const { rule, last, failures, tries, answers } = state;
  if (rule.kind === 'settle') return undefined;
  if (last === undefined && failures === 0) return undefined;
  // The look that lets it through comes next.
  if (answers && rule.limitMs === 0) return undefined;
  if (answers) return { tries, words: `last: ${last}` };
  const said = last === undefined ? '' : `last: ${last}, `;
  if (rule.kind === 'probe' && failures === 0) {
    return { tries, words: `${said}not counted in its first ${seconds(rule.probe.startPeriodMs)}` };
  }
  const of = rule.kind === 'probe' ? rule.probe.retries : rule.retries;
  return { tries, words: `${said}${failures} of ${of} failures` };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

function tooMany(retries: number): string {
  return retries === 1 ? '1 failure is too many' : `${retries} failures in a row are too many`;
}

function exitedWith(code: number | undefined): string {
  return code === undefined ? 'it ended' : `it ended with code ${code}`;
}

function passed(message: string): GateState {
  return { verdict: 'passed', message };
}

function failed(code: GateCode, message: string): GateState {
  return { verdict: 'failed', code, message };
}
