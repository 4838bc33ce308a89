import { expect, test } from 'vitest';
import { restoredWords } from './restored-words.ts';
import type { SavedContainer } from './saved.ts';

function saved(container: string, running?: boolean): SavedContainer {
  return {
    container,
    nextName: `${container}.next.j`,
    previousName: `${container}.prev.j`,
    settleSeconds: 1,
    follows: [],
    becomes: 'checked',
    image: { ref: 'shop/gateway:1', id: 'sha256:1' },
    ...(running !== undefined && { old: { id: 'o', inspect: { State: { Running: running } } } }),
  };
}

test.each([
  [[], true, 'Nothing was touched.'],
  [[saved('web', true)], true, 'The old version serves again.'],
  [[saved('web', true)], false, 'The old version was not touched.'],
  [[saved('web', false)], true, 'The old version is back, stopped as it was.'],
  [[saved('web')], true, 'There was no old version: what was created is removed, and nothing serves.'],
  [
    [saved('web', true), saved('side')],
    true,
    'The old version serves again. What was created for the first time is removed: side.',
  ],
])('%#', (containers, touched, words) => {
  expect(restoredWords(containers, touched)).toBe(words);
});
