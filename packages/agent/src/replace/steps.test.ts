import { describe, expect, test } from 'vitest';
import { planSteps, type StepUnit, touchesService } from './steps.ts';

const ids = (units: readonly StepUnit[]) => planSteps('web', units).map(({ id }) => id);

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

describe('what hangs on another', () => {
  const web: StepUnit = { container: 'web', exists: true };
  const net = (container: string, to: string, more: Partial<StepUnit> = {}): StepUnit => ({
    container,
    exists: true,
    chosen: false,
    ties: [{ kind: 'network', to }],
    ...more,
  });
  const behind = (steps: string[], id: string) => steps.slice(steps.indexOf(id) + 1);

  test('in its network: it ends before it, and is created anew when the name is the new one’s', () => {
    expect(ids([web, net('side', 'web')])).toEqual([
      'resolve:web',
      'pull:web',
      'inspect:web',
      'create:web',
      'hold-restart:web',
      'hold-restart:side',
      'stop-old:side',
      'stop-old:web',
      'start-new:web',
      'gate:web',
      'rename:web',
      'create:side',
      'start-new:side',
      'gate:side',
      'rename:side',
      'commit:web',
    ]);
  });

  test('start-first: it ends right before the old one does, which serves as long', () => {
    expect(behind(ids([{ ...web, order: 'start-first' }, net('side', 'web')]), 'create:web')).toEqual([
      'start-new:web',
      'gate:web',
      'take-over:web',
      'rename:web',
      'drain:web',
      'hold-restart:web',
      'hold-restart:side',
      'stop-old:side',
      'stop-old:web',
      'create:side',
      'start-new:side',
      'gate:side',
      'rename:side',
      'commit:web',
    ]);
  });

  test('by its volumes or a link alone: it is away only for its own exchange', () => {
    for (const kind of ['volumes', 'link'] as const) {
      expect(behind(ids([web, net('side', 'web', { ties: [{ kind, to: 'web' }] })]), 'rename:web')).toEqual([
        'create:side',
        'hold-restart:side',
        'stop-old:side',
        'start-new:side',
        'gate:side',
        'rename:side',
        'commit:web',
      ]);
    }
  });

  test('over another: both end before it, the outer one first, and come back after it', () => {
    const steps = ids([
      web,
      net('side', 'web'),
      net('outer', 'side', { ties: [{ kind: 'pid', to: 'side' }] }),
    ]);
    expect(steps.filter((id) => id.startsWith('stop-old:') || id.startsWith('create:'))).toEqual([
      'create:web',
      'stop-old:outer',
      'stop-old:side',
      'stop-old:web',
      'create:side',
      'create:outer',
    ]);
  });

  test('one that was stopped stays stopped, and one that was unwell is not checked', () => {
    expect(behind(ids([web, net('side', 'web', { becomes: 'stopped' })]), 'rename:web')).toEqual([
      'create:side',
      'hold-restart:side',
      'rename:side',
      'commit:web',
    ]);
    expect(ids([web, net('side', 'web', { becomes: 'stopped' })])).not.toContain('stop-old:side');
    expect(behind(ids([web, net('side', 'web', { becomes: 'started' })]), 'rename:web')).toEqual([
      'create:side',
      'start-new:side',
      'rename:side',
      'commit:web',
    ]);
  });

  test('one that was chosen as well is pulled with the others, and created after what it hangs on', () => {
    const steps = ids([web, net('side', 'web', { chosen: true, order: 'start-first' })]);
    expect(steps.slice(0, 7)).toEqual([
      'resolve:web',
      'resolve:side',
      'pull:web',
      'pull:side',
      'inspect:web',
      'inspect:side',
      'create:web',
    ]);
    expect(behind(steps, 'rename:web')).toEqual([
      'create:side',
      'start-new:side',
      'gate:side',
      'rename:side',
      'commit:web',
    ]);
  });

  test('one that is created for the first time waits for the name as well', () => {
    const steps = ids([web, net('side', 'web', { chosen: true, exists: false })]);
    expect(behind(steps, 'rename:web')).toEqual([
      'create:side',
      'start-new:side',
      'gate:side',
      'rename:side',
      'commit:web',
    ]);
  });
});
