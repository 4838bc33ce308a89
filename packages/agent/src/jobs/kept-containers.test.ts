import { expect, test } from 'vitest';
import { KeptContainers } from './kept-containers.ts';

const web = (id: string) => ({ container: 'web', id });

test('a success keeps its old container, and says which were kept before', () => {
  const kept = new KeptContainers();
  expect(kept.replace('j1', [web('o1')])).toEqual([{ container: 'web', previous: [] }]);
  expect(kept.replace('j2', [web('o2')])).toEqual([
    { container: 'web', previous: [{ id: 'o1', name: 'web.prev.j1', job: 'j1' }] },
  ]);
  // Until it is removed for good, the earlier one is not forgotten.
  expect(kept.refersTo('j1')).toBe(true);
  expect(kept.has('o1', 'web.prev.j1')).toBe(true);
  // Somebody took it.
  expect(kept.has('o1', 'web')).toBe(false);
  expect(kept.has('o3', 'web.prev.j1')).toBe(false);
  kept.forget('web', 'o1');
  expect(kept.refersTo('j1')).toBe(false);
  expect(kept.refersTo('j2')).toBe(true);
});

test('the journals alone bring it back, in the order of the jobs', () => {
  const kept = new KeptContainers();
  kept.add('j1', { kept: [web('o1')], removed: [] });
  kept.add('j2', { kept: [web('o2')], removed: [web('o1')] });
  // A job that took up its own commit again says so twice.
  expect(kept.replace('j2', [web('o2')])).toEqual([{ container: 'web', previous: [] }]);
  expect(kept.refersTo('j1')).toBe(false);
});
