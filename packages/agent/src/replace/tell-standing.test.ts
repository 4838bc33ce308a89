import type { JobEventBody } from '@towline/core/job';
import { expect, test } from 'vitest';
import { stepOf } from './steps.ts';
import { tellStanding } from './tell-standing.ts';

test('what is new is told, at most five times a second, and nothing is held back for ever', () => {
  const events: JobEventBody[] = [];
  const write = { emit: (event: JobEventBody) => void events.push(event), record: async () => {} };
  let now = 0;
  const tell = tellStanding(write, stepOf('gate', 'web'), () => now);
  const tries = ['refused', 'refused', '503', '503', '503', '200'];
  for (const [at, words] of tries.entries()) {
    tell({ tries: at + 1, words });
    now += 90;
  }
  const progress = (current: number, detail: string) => ({
    type: 'step-progress',
    step: 'gate:web',
    current,
    detail,
  });
  // The third came too soon after the first; the fourth says the same; so does the fifth, and the last is too soon.
  expect(events).toEqual([progress(1, 'refused'), progress(4, '503')]);
  now += 200;
  tell({ tries: 7, words: '200' });
  expect(events.at(-1)).toEqual(progress(7, '200'));
});
