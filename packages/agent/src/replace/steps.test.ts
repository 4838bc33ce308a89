import { expect, test } from 'vitest';
import { planSteps, touchesService } from './steps.ts';

const ids = (tasks: { container: string; exists: boolean }[]) => planSteps('web', tasks).map(({ id }) => id);

test('one container: everything that can fail without touching what serves comes first', () => {
  expect(ids([{ container: 'a', exists: true }])).toEqual([
    'resolve:a',
    'pull:a',
    'inspect:a',
    'create:a',
    'hold-restart:a',
    'stop-old:a',
    'start-new:a',
    'gate:a',
    'rename:a',
    'commit:web',
  ]);
});

test('several: all are created before the first is touched, and one commit is the last step', () => {
  const steps = planSteps('web', [
    { container: 'a', exists: true },
    { container: 'b', exists: true },
  ]);
  const firstTouch = steps.findIndex(({ kind }) => touchesService(kind));
  expect(steps.slice(0, firstTouch).map(({ id }) => id)).toEqual([
    'resolve:a',
    'resolve:b',
    'pull:a',
    'pull:b',
    'inspect:a',
    'inspect:b',
    'create:a',
    'create:b',
  ]);
  expect(steps.filter(({ kind }) => kind === 'commit')).toEqual([steps.at(-1)]);
  expect(new Set(steps.map(({ id }) => id)).size).toBe(steps.length);
});

test('start-first: the old one is touched when the new one has passed, and stops last', () => {
  expect(
    planSteps('web', [{ container: 'a', exists: true, order: 'start-first' }]).map(({ id }) => id),
  ).toEqual([
    'resolve:a',
    'pull:a',
    'inspect:a',
    'create:a',
    'start-new:a',
    'gate:a',
    'take-over:a',
    'rename:a',
    'drain:a',
    'hold-restart:a',
    'stop-old:a',
    'commit:web',
  ]);
});

test('one that does not exist yet has nothing to hold or to stop', () => {
  expect(ids([{ container: 'a', exists: false }])).toEqual([
    'resolve:a',
    'pull:a',
    'inspect:a',
    'create:a',
    'start-new:a',
    'gate:a',
    'rename:a',
    'commit:web',
  ]);
});

test('the start comes right after the stop, and nothing between them', () => {
  const steps = ids([
    { container: 'a', exists: true },
    { container: 'b', exists: true },
  ]);
  for (const name of ['a', 'b']) {
    expect(steps.indexOf(`start-new:${name}`)).toBe(steps.indexOf(`stop-old:${name}`) + 1);
  }
});
