import type { ContainerInspect } from '../engine/index.ts';

/** What lets a container through: its healthcheck, or else that it runs for some time without an exit or restart. */
export type GateRule =
  | { kind: 'healthcheck' /** After this time its verdict is not waited for any more. */; limitMs: number }
  | { kind: 'settle'; limitMs: number };

/** What is seen of a container while it is at the gate. */
export type GateObservation =
  | { type: 'inspected'; seen: GateView /** Whether the rule's time is over. */; elapsed: boolean }
  | { type: 'gone' }
  | { type: 'died'; exitCode: number | undefined }
  | { type: 'health'; status: string };

export interface GateView {
  running: boolean;
  restarting: boolean;
  restartCount: number;
  startedAt: string;
  exitCode: number;
  health: string | undefined;
}

export type GateCode = 'exited' | 'restarting' | 'unhealthy' | 'health-timeout' | 'removed';

export type GateState =
  | { verdict: 'waiting'; rule: GateRule; restartCount: number; startedAt: string | undefined }
  | { verdict: 'passed' }
  | { verdict: 'failed'; code: GateCode; message: string };

/** Seconds for which a container without a healthcheck must run, where the map does not say. */
export const DEFAULT_SETTLE_SECONDS = 3;

const SECOND_IN_NS = 1_000_000_000;
/** The engine's defaults for a healthcheck that leaves these out. */
const DEFAULT_INTERVAL_NS = 30 * SECOND_IN_NS;
const DEFAULT_TIMEOUT_NS = 30 * SECOND_IN_NS;
const DEFAULT_RETRIES = 3;
/** A probe on a loaded machine starts late. */
const HEALTH_MARGIN_MS = 15_000;

/** The rule for a container as it was created. The engine itself ends a healthcheck that fails; the limit is for one that hangs. */
export function gateRule(container: ContainerInspect, settleSeconds: number): GateRule {
  const check = container.Config.Healthcheck;
  const kind = check?.Test?.[0];
  if (check === undefined || check === null || kind === undefined || kind === 'NONE') {
    return { kind: 'settle', limitMs: settleSeconds * 1000 };
  }
  const interval = check.Interval || DEFAULT_INTERVAL_NS;
  const timeout = check.Timeout || DEFAULT_TIMEOUT_NS;
  const retries = check.Retries || DEFAULT_RETRIES;
  const wholeNs = (check.StartPeriod || 0) + (interval + timeout) * (retries + 1);
  return { kind: 'healthcheck', limitMs: wholeNs / 1_000_000 + HEALTH_MARGIN_MS };
}

/** `restartCount` is what the engine had counted before the start: 0 for a new container. */
export function beginGate(rule: GateRule, restartCount: number): GateState {
  return { verdict: 'waiting', rule, restartCount, startedAt: undefined };
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
  };
}

const MAX_HEALTH_OUTPUT = 300;

/** The last words of a container's healthcheck, on one line; empty where it said nothing. */
export function lastHealthOutput({ State }: ContainerInspect): string {
  const output = State.Health?.Log?.at(-1)?.Output ?? '';
  return output.replace(/\s+/g, ' ').trim().slice(0, MAX_HEALTH_OUTPUT);
}

/**
 * The fold of what is observed. With a restart policy an image that exits at once looks as if it ran whenever one
 * looks, so an exit that was told of, a restart that was counted and another time of start fail as well.
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
  const known = { ...state, startedAt: seen.startedAt };
  if (state.rule.kind === 'settle') return elapsed ? { verdict: 'passed' } : known;
  const judged = byHealth(known, seen.health ?? 'starting');
  if (judged.verdict === 'waiting' && elapsed) {
    const seconds = Math.round(state.rule.limitMs / 1000);
    return failed('health-timeout', `its healthcheck came to no verdict in ${seconds} s`);
  }
  return judged;
}

function byHealth(state: Waiting, status: string): GateState {
  if (status === 'healthy') return { verdict: 'passed' };
  if (status === 'unhealthy') return failed('unhealthy', 'its healthcheck fails');
  return state;
}

function exitedWith(code: number | undefined): string {
  return code === undefined ? 'it ended' : `it ended with code ${code}`;
}

function failed(code: GateCode, message: string): GateState {
  return { verdict: 'failed', code, message };
}
