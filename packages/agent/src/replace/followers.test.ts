import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exchangeOrder, followersOf, type OrderedUnit, type TiedContainer } from './followers.ts';
import type { Tie } from './ties.ts';

/** `side>web outer>side,db` as containers; their ids are their names. */
function tied(text: string): TiedContainer[] {
  return text.split(' ').map((word) => {
    const [name = '', to] = word.split('>');
    const ties = to === undefined ? [] : to.split(',').map((each): Tie => ({ kind: 'network', to: each }));
    return { id: name, name, ties };
  });
}

describe('what hangs on what is exchanged', () => {
  test.each([
    ['nothing', 'web db side>db', 'web', ''],
    ['one, and not the container itself', 'web side>web', 'web', 'side'],
    ['over another, in whatever order the engine lists them', 'outer>side web side>web', 'web', 'side outer'],
    ['on two of them', 'web db side>web,db', 'web,db', 'side'],
    ['on one and on another that is left alone', 'web db side>web,db', 'web', 'side'],
    ['what is exchanged anyway is none of them', 'web side>web', 'web,side', ''],
    ['but what hangs on that is', 'web side>web outer>side', 'web,side', 'outer'],
  ])('%s', (_, all, exchanged, expected) => {
    const found = followersOf(tied(all), exchanged.split(','));
    expect(found.map(({ name }) => name).join(' ')).toBe(expected);
  });
});

const unit = (word: string): OrderedUnit => {
  const [, container = '', to, after] = /^(\w+)(?:>([\w,]+))?(?:\^([\w,]+))?$/.exec(word) ?? [];
  return {
    container,
    ties: (to?.split(',') ?? []).map((each) => ({ kind: 'volumes', to: each })),
    after: after?.split(',') ?? [],
  };
};
const units = (text: string) => text.split(' ').filter(Boolean).map(unit);

describe('the order of an update', () => {
  test.each([
    ['as they are given', 'b a c', '', 'b a c'],
    ['each follower right behind what it hangs on', 'a b', 'x>a y>b', 'a x b y'],
    ['behind the last of what it hangs on', 'a b c', 'x>a,b', 'a b x c'],
    ['one over another', 'a b', 'x>a y>x', 'a x y b'],
    ['one that was chosen, behind what it hangs on', 'side>web web', '', 'web side'],
    ['the map’s order among all that follows', 'a b', 'x>a^b', 'a b x'],
    ['the map’s order holds beside that', 'd>y x y', '', 'x y d'],
    ['the map wants it the other way: it can’t be had', 'web^side side>web', '', 'web side'],
  ])('%s', (_, chosen, followers, expected) => {
    const ordered = exchangeOrder(units(chosen), units(followers));
    expect(ordered.map(({ container }) => container).join(' ')).toBe(expected);
  });

  test('none is lost, and each comes after what it hangs on', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const name = fc.constantFrom(...names);
    /** What one hangs on was there before it. */
    const any = fc
      .tuple(
        ...names.map(() =>
          fc.tuple(fc.uniqueArray(name, { maxLength: 2 }), fc.uniqueArray(name, { maxLength: 2 })),
        ),
      )
      .map((all) =>
        all.map(
          ([to, after], at): OrderedUnit => ({
            container: names[at] ?? '',
            ties: to
              .filter((each) => names.indexOf(each) < at)
              .map((each) => ({ kind: 'volumes', to: each })),
            after: after.filter((each) => each !== names[at]),
          }),
        ),
      );
    fc.assert(
      fc.property(any, fc.nat({ max: 5 }), fc.func(fc.nat()), (all, chosenCount, shuffle) => {
        const chosen = all
          .slice(0, chosenCount + 1)
          .toSorted((a, b) => shuffle(a.container) - shuffle(b.container));
        const followers = all.slice(chosenCount + 1).filter(({ ties }) => ties.length > 0);
        const together = new Set([...chosen, ...followers].map(({ container }) => container));
        const inJob = (unit: OrderedUnit) => ({
          ...unit,
          ties: unit.ties.filter(({ to }) => together.has(to)),
        });
        const ordered = exchangeOrder(chosen.map(inJob), followers.map(inJob)).map(
          ({ container }) => container,
        );
        expect(ordered.toSorted()).toEqual([...together].toSorted());
        for (const { container, ties } of [...chosen, ...followers].map(inJob)) {
          for (const { to } of ties) expect(ordered.indexOf(to)).toBeLessThan(ordered.indexOf(container));
        }
      }),
    );
  });
});
