import { describe, expect, test } from 'vitest';
import { fixture } from './fixtures/index.ts';
import {
  beginGate,
  type GateObservation,
  type GateRule,
  type GateState,
  type GateView,
  gateRule,
  observeGate,
} from './gate.ts';

const settle: GateRule = { kind: 'settle', limitMs: 3_000 };
const check: GateRule = { kind: 'healthcheck', limitMs: 60_000 };

const view: GateView = {
  running: true,
  restarting: false,
  restartCount: 0,
  startedAt: 't1',
  exitCode: 0,
  health: undefined,
};
const seen = (change: Partial<GateView> = {}, elapsed = false): GateObservation => ({
  type: 'inspected',
  seen: { ...view, ...change },
  elapsed,
});
const died = (exitCode?: number): GateObservation => ({ type: 'died', exitCode });
const health = (status: string): GateObservation => ({ type: 'health', status });

function verdict(rule: GateRule, observations: readonly GateObservation[], restartCount = 0): string {
  const state = observations.reduce<GateState>(observeGate, beginGate(rule, restartCount));
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

test('a verdict stands', () => {
  expect(verdict(settle, [seen(), died(3), seen({}, true)])).toBe('exited');
  expect(verdict(check, [seen({ health: 'healthy' }), died(3)])).toBe('passed');
});

test('restarts from before the start do not count', () => {
  expect(verdict(settle, [seen({ restartCount: 4 }), seen({ restartCount: 4 }, true)], 4)).toBe('passed');
  expect(verdict(settle, [seen({ restartCount: 5 }, true)], 4)).toBe('restarting');
});

describe('the rule of a container', () => {
  const ruleOf = (name: string) => gateRule(JSON.parse(JSON.stringify(fixture(name).container)), 2.5);
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

  test('a healthcheck is given the time that its engine needs to call it unhealthy', () => {
    // 5 s interval, 2 s timeout, 2 retries.
    expect(ruleOf('health').limitMs).toBeGreaterThan((5 + 2) * 2 * 1000);
  });
});
