import type { Probe } from '@towline/core/protocol';
import { describe, expect, test } from 'vitest';
import { fixture } from './fixtures/index.ts';
import {
  beginGate,
  type GateObservation,
  type GateRule,
  type GateState,
  type GateView,
  gateRule,
  gateStanding,
  gateWords,
  observeGate,
} from './gate.ts';

const settle: GateRule = { kind: 'settle', limitMs: 3_000 };
const check: GateRule = { kind: 'healthcheck', intervalMs: 5_000, retries: 3, limitMs: 60_000 };
const asked: Probe = {
  check: { kind: 'http', path: '/health', port: 8080, statuses: [[200, 399]] },
  intervalMs: 1_000,
  timeoutMs: 5_000,
  startPeriodMs: 30_000,
  retries: 3,
};
const probe: GateRule = { kind: 'probe', probe: asked, limitMs: 0 };
/** Where something else may answer. */
const sharedProbe: GateRule = { ...probe, limitMs: 3_000 };

const view: GateView = {
  running: true,
  restarting: false,
  restartCount: 0,
  startedAt: 't1',
  exitCode: 0,
  health: undefined,
  healthFailures: 0,
  healthOutput: '',
};
const seen = (change: Partial<GateView> = {}, elapsed = false): GateObservation => ({
  type: 'inspected',
  seen: { ...view, ...change },
  elapsed,
});
const died = (exitCode?: number): GateObservation => ({ type: 'died', exitCode });
const health = (status: string): GateObservation => ({ type: 'health', status });
const good: GateObservation = { type: 'answered', ok: true, words: '200', askedMs: 0 };
/** An answer that is none, so many seconds after the start. */
const bad = (askedS: number, words = '503'): GateObservation => ({
  type: 'answered',
  ok: false,
  words,
  askedMs: askedS * 1_000,
});

function fold(rule: GateRule, observations: readonly GateObservation[], restartCount = 0): GateState {
  return observations.reduce<GateState>(observeGate, beginGate(rule, restartCount));
}

function verdict(rule: GateRule, observations: readonly GateObservation[], restartCount = 0): string {
  const state = fold(rule, observations, restartCount);
  return state.verdict === 'failed' ? state.code : state.verdict;
}

describe('without a healthcheck', () => {
  test.each<[string, GateObservation[], string]>([
    ['runs, its time is not over', [seen()], 'waiting'],
    ['runs all the time', [seen(), seen({}, true)], 'passed'],
    ['runs, and no time is asked for', [seen({}, true)], 'passed'],
    ['ended before the first look', [seen({ running: false, exitCode: 7 })], 'exited'],
    ['ends meanwhile', [seen(), died(1)], 'exited'],
    ['ends with code 0 meanwhile: it is no service', [seen(), died(0)], 'exited'],
    ['waits to be restarted', [seen({ restarting: true, running: false })], 'restarting'],
    ['was restarted before the first look', [seen({ restartCount: 1 }, true)], 'restarting'],
    ['was restarted between two looks', [seen(), seen({ restartCount: 1 }, true)], 'restarting'],
    ['was started anew between two looks', [seen(), seen({ startedAt: 't2' }, true)], 'restarting'],
    ['is removed meanwhile', [seen(), { type: 'gone' }], 'removed'],
    ['health of no healthcheck counts for nothing', [seen(), health('healthy')], 'waiting'],
  ])('%s', (_, observations, expected) => {
    expect(verdict(settle, observations)).toBe(expected);
  });
});

describe('with a healthcheck', () => {
  test.each<[string, GateObservation[], string]>([
    ['starting', [seen({ health: 'starting' })], 'waiting'],
    ['healthy by event', [seen({ health: 'starting' }), health('healthy')], 'passed'],
    ['healthy at the first look', [seen({ health: 'healthy' })], 'passed'],
    ['unhealthy by event', [seen({ health: 'starting' }), health('unhealthy')], 'unhealthy'],
    ['unhealthy at a look', [seen({ health: 'unhealthy' })], 'unhealthy'],
    ['ends before a verdict', [seen({ health: 'starting' }), died(137)], 'exited'],
    [
      'no verdict in all its time',
      [seen({ health: 'starting' }), seen({ health: 'starting' }, true)],
      'health-timeout',
    ],
    [
      'healthy just as its time is over',
      [seen({ health: 'starting' }), seen({ health: 'healthy' }, true)],
      'passed',
    ],
    ['running alone is not enough', [seen({}, true)], 'health-timeout'],
  ])('%s', (_, observations, expected) => {
    expect(verdict(check, observations)).toBe(expected);
  });
});

describe('with a probe', () => {
  const now = seen({}, true);
  test.each<[string, GateObservation[], string]>([
    ['running alone is not enough', [now, now], 'waiting'],
    ['an answer alone is not enough either', [now, good], 'waiting'],
    ['answers, and is seen to run', [now, good, now], 'passed'],
    ['answers, and has ended', [now, good, seen({ running: false }, true)], 'exited'],
    ['answers, and was started again meanwhile', [now, good, seen({ startedAt: 't2' }, true)], 'restarting'],
    ['a healthcheck that it has not says nothing', [now, health('healthy'), now], 'waiting'],
    ['too many failures in a row', [now, bad(30), bad(31), bad(32)], 'probe-failed'],
    ['one less is not', [now, bad(30), bad(31)], 'waiting'],
    [
      'failures in its start period count for nothing',
      [now, ...Array.from({ length: 30 }, (_, at) => bad(at))],
      'waiting',
    ],
    ['nor are they the first of a row', [now, bad(28), bad(29), bad(30), bad(31)], 'waiting'],
    ['ends before an answer', [now, bad(1), died(7)], 'exited'],
    ['is removed', [now, { type: 'gone' }], 'removed'],
  ])('%s', (_, observations, expected) => {
    expect(verdict(probe, observations)).toBe(expected);
  });

  test.each<[string, GateObservation[], string]>([
    ['answers, and its time is not over: it may be another that answers', [seen(), good, seen()], 'waiting'],
    ['answers, and runs all the time', [seen(), good, seen(), seen({}, true)], 'passed'],
    ['answers, and ends because another has its port', [seen(), good, seen(), died(1)], 'exited'],
    ['answered before, and does not as its time is over', [seen(), good, bad(2), seen({}, true)], 'waiting'],
    ['its start period ends with the first answer', [seen(), good, bad(1), bad(2), bad(3)], 'probe-failed'],
    ['an answer breaks a row', [seen(), good, bad(1), bad(2), good, bad(4), bad(5)], 'waiting'],
  ])('on the host’s network: %s', (_, observations, expected) => {
    expect(verdict(sharedProbe, observations)).toBe(expected);
  });

  test('the last answer is why', () => {
    expect(fold(probe, [now, bad(30), bad(31), bad(32, 'connection refused')])).toMatchObject({
      message: 'GET :8080/health failed 3 times in a row, last: connection refused',
    });
    const once: GateRule = { ...probe, probe: { ...asked, retries: 1, check: { kind: 'tcp', port: 5432 } } };
    expect(fold(once, [now, bad(30, 'no answer in 5 s')])).toMatchObject({
      message: 'TCP :5432 failed, last: no answer in 5 s',
    });
    expect(fold(probe, [now, good, now])).toEqual({ verdict: 'passed', message: 'GET :8080/health: 200' });
  });
});

describe('how it stands', () => {
  test.each<[string, GateRule, GateObservation[], string | undefined]>([
    ['nothing was asked yet', probe, [seen()], undefined],
    ['a failure that counts', probe, [bad(30), bad(31)], 'last: 503, 2 of 3 failures'],
    [
      'one that does not',
      probe,
      [bad(2, 'connection refused')],
      'last: connection refused, not counted in its first 30 s',
    ],
    ['an answer, and nothing else is waited for', probe, [seen(), good], undefined],
    ['an answer, and it has to run on', sharedProbe, [seen(), good, seen()], 'last: 200'],
    ['there is nothing to say of settling', settle, [seen()], undefined],
    ['a healthcheck that did not run yet', check, [seen({ health: 'starting' })], undefined],
    [
      'a healthcheck that fails',
      check,
      [seen({ health: 'starting', healthFailures: 1, healthOutput: 'not yet' })],
      'last: not yet, 1 of 3 failures',
    ],
    ['it passed', probe, [good, seen({}, true)], undefined],
  ])('%s', (_, rule, observations, expected) => {
    expect(gateStanding(fold(rule, observations))?.words).toBe(expected);
  });

  test('each try is counted', () => {
    expect(gateStanding(fold(probe, [bad(1), bad(2), bad(3)]))?.tries).toBe(3);
  });
});

test.each<[GateRule, string]>([
  [settle, 'has to run for 3 s without a restart'],
  [check, 'waits for its healthcheck, every 5 s; 3 failures in a row are too many'],
  [probe, 'asks GET :8080/health every 1 s; 3 failures in a row are too many, after its first 30 s'],
  [
    { ...sharedProbe, probe: { ...asked, startPeriodMs: 0, retries: 1 } },
    'asks GET :8080/health every 1 s; 1 failure is too many; has to run for 3 s as well',
  ],
])('what is waited for: %o', (rule, words) => {
  expect(gateWords(rule)).toBe(words);
});

test('a verdict stands', () => {
  expect(verdict(settle, [seen(), died(3), seen({}, true)])).toBe('exited');
  expect(verdict(check, [seen({ health: 'healthy' }), died(3)])).toBe('passed');
});

test('restarts from before the start do not count', () => {
  expect(verdict(settle, [seen({ restartCount: 4 }), seen({ restartCount: 4 }, true)], 4)).toBe('passed');
  expect(verdict(settle, [seen({ restartCount: 5 }, true)], 4)).toBe('restarting');
});

describe('the rule of a container', () => {
  const ruleOf = (name: string, given?: Probe, mode?: string) => {
    const container = JSON.parse(JSON.stringify(fixture(name).container));
    if (mode !== undefined) container.HostConfig.NetworkMode = mode;
    return gateRule(container, { settleSeconds: 2.5, probe: given });
  };
  test.each([
    ['no healthcheck: it settles for as long as the map says', 'plain', settle.kind],
    ['NONE is no healthcheck', 'nohealth', settle.kind],
    ['the image’s own', 'samehealth', check.kind],
    ['one that was chosen', 'health', check.kind],
  ])('%s', (_, name, kind) => {
    const rule = ruleOf(name);
    expect(rule.kind).toBe(kind);
    if (rule.kind === 'settle') expect(rule.limitMs).toBe(2_500);
  });

  test.each([
    ['without a healthcheck', 'plain', probe.kind],
    ['its healthcheck was taken away', 'nohealth', probe.kind],
    ['with a healthcheck, which knows better', 'samehealth', check.kind],
  ])('a probe of the map, %s', (_, name, kind) => {
    expect(ruleOf(name, asked).kind).toBe(kind);
  });

  test.each([
    ['bridge', 0],
    ['host', 2_500],
    ['container:db', 2_500],
  ])('on the network %s it has to run for %i ms beside the answer', (mode, limitMs) => {
    expect(ruleOf('plain', asked, mode)).toEqual({ kind: 'probe', probe: asked, limitMs });
  });

  test('a healthcheck is given the time that its engine needs to call it unhealthy', () => {
    // 5 s interval, 2 s timeout, 2 retries.
    expect(ruleOf('health').limitMs).toBeGreaterThan((5 + 2) * 2 * 1000);
  });

  test('one that is asked once a month is waited for as long as a timer can', () => {
    const { container } = JSON.parse(JSON.stringify(fixture('health')));
    container.Config.Healthcheck.Interval = 30 * 24 * 3600 * 1e9;
    expect(gateRule(container, { settleSeconds: 0 }).limitMs).toBe(2 ** 31 - 1);
  });
});
