import type { PruneRules } from '@towline/core/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decidePrune, type PruneView } from './decide-prune.ts';

const NOW = new Date('2026-11-27T12:00:00Z');
const APP = 'registry.example.com/shop/app';

const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000).toISOString();

/** Of version `n` days ago, unless said otherwise. */
function image(n: number, change: Partial<PruneView['usage']['images'][number]> = {}) {
  const names = [`${APP}:${n}`, `${APP}@sha256:${String(n).padStart(64, '0')}`];
  return { id: `i${n}`, names, createdAt: daysAgo(n), ownBytes: n * 1000, ...change };
}

function decide(rules: Partial<PruneRules>, view: Partial<PruneView>) {
  return decidePrune(
    {
      service: 'shop',
      map: 'demo',
      containers: [{ container: 'app', image: APP }],
      keep: 0,
      olderThanDays: 0,
      previous: false,
      ...rules,
    },
    { usage: { images: [], containers: [] }, previous: [], needed: [], now: NOW, ...view },
  );
}
const idsOf = (list: ReturnType<typeof decide>) => list.images.map(({ id }) => id);
const usage = (...images: ReturnType<typeof image>[]) => ({ images, containers: [] });

describe('images', () => {
  const all = usage(image(1), image(2), image(3), image(4));

  test('the oldest beyond the count go, with all the names that are the map’s', () => {
    const list = decide({ keep: 2 }, { usage: all });
    expect(list.images).toEqual([
      { id: 'i3', names: image(3).names, createdAt: daysAgo(3), bytes: 3000 },
      { id: 'i4', names: image(4).names, createdAt: daysAgo(4), bytes: 4000 },
    ]);
  });

  test.each<[string, Partial<PruneRules>, Partial<PruneView>, string[]]>([
    ['none that is younger', { olderThanDays: 3 }, { usage: all }, ['i3', 'i4']],
    [
      'none that a container uses, which does not count',
      { keep: 1 },
      { usage: { ...all, containers: [{ id: 'c', imageId: 'i1', ownBytes: 0 }] } },
      ['i3', 'i4'],
    ],
    ['none that a restore would want', {}, { usage: all, needed: ['i2'] }, ['i1', 'i3', 'i4']],
    ['none that a rollback would want', {}, { usage: all, needed: [`${APP}:4`] }, ['i1', 'i2', 'i3']],
    [
      'none that is in no registry',
      {},
      { usage: usage(image(1), image(2, { names: [`${APP}:2`] })) },
      ['i1'],
    ],
    [
      'none of another image',
      {},
      { usage: usage(image(1, { names: ['other:1', `other@sha256:${'1'.repeat(64)}`] })) },
      [],
    ],
    [
      'one that has lost its tag to a newer one',
      {},
      { usage: usage(image(1, { names: [`${APP}@sha256:${'1'.repeat(64)}`] })) },
      ['i1'],
    ],
  ])('%s', (_, rules, view, expected) => {
    expect(idsOf(decide(rules, view))).toEqual(expected);
  });

  test('of two that were made in the same second, the tags say which is the newer', () => {
    const [one, two] = [image(1, { createdAt: daysAgo(3) }), image(2, { createdAt: daysAgo(3) })];
    expect(idsOf(decide({ keep: 1 }, { usage: usage(one, two) }))).toEqual(['i1']);
    expect(idsOf(decide({ keep: 1 }, { usage: usage(two, one) }))).toEqual(['i1']);
  });

  test('a name that is not the map’s is not removed', () => {
    const names = [...image(1).names, 'mine:1'];
    expect(decide({}, { usage: usage(image(1, { names })) }).images[0]?.names).toEqual(image(1).names);
  });
});

describe('previous containers', () => {
  const previous = [
    { id: 'c1', name: 'app.prev.j1', stoppedAt: daysAgo(1) },
    { id: 'c9', name: 'app.prev.j9', stoppedAt: daysAgo(9) },
  ];
  const view = {
    previous,
    usage: {
      images: [image(1), image(2)],
      containers: [
        { id: 'c1', imageId: 'i1', ownBytes: 7 },
        { id: 'c9', imageId: 'i2', ownBytes: 9 },
      ],
    },
  };

  test('stay, with their images, unless they are asked for', () => {
    expect(decide({}, view)).toEqual({ containers: [], images: [] });
  });

  test('go by age, and their images with them', () => {
    const list = decide({ previous: true, olderThanDays: 2 }, view);
    expect(list.containers).toEqual([{ ...previous[1], bytes: 9 }]);
    expect(idsOf(list)).toEqual(['i2']);
  });
});

test('whatever is there: nothing that is used, wanted or in no registry goes, and the newest stay', () => {
  const n = fc.integer({ min: 1, max: 12 });
  fc.assert(
    fc.property(
      fc.uniqueArray(n),
      fc.array(n),
      fc.array(n),
      fc.array(n),
      fc.nat(4),
      fc.nat(12),
      (there, used, wanted, unpushed, keep, olderThanDays) => {
        const images = there.map((each) =>
          image(each, unpushed.includes(each) ? { names: [`${APP}:${each}`] } : {}),
        );
        const containers = used.map((each) => ({ id: `c${each}`, imageId: `i${each}`, ownBytes: 0 }));
        const needed = wanted.map((each) => `${APP}:${each}`);
        const gone = idsOf(decide({ keep, olderThanDays }, { usage: { images, containers }, needed }));
        const may = there
          .toSorted((a, b) => a - b)
          .filter((each) => ![used, wanted, unpushed].some((all) => all.includes(each)))
          .slice(keep)
          .filter((each) => each >= olderThanDays);
        expect(gone.toSorted()).toEqual(may.map((each) => `i${each}`).toSorted());
      },
    ),
  );
});
