import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allNeeds, type Dependent, dependencyCycle, inDependencyOrder } from './dependency-order.ts';

/** `a b>a c>a,b` as containers with what they depend on. */
function containers(text: string): Dependent[] {
  return text.split(' ').map((word) => {
    const [name = '', needs] = word.split('>');
    return { name, ...(needs !== undefined && { dependsOn: needs.split(',') }) };
  });
}

test.each([
  ['nothing is said: as the map has them', 'c a b', 'c a b'],
  ['one waits for another further down', 'a>b b', 'b a'],
  ['a chain', 'a>b b>c c', 'c b a'],
  ['what is free keeps its place', 'x a>z y z', 'x y z a'],
  ['what waits comes as soon as it can', 'a>c b c d', 'b c a d'],
  ['two that need the same', 'b>db a>db db', 'db b a'],
  ['a name that is none of them counts for nothing', 'a>elsewhere b', 'a b'],
  ['a circle comes last, as it is given', 'a>b b>a c', 'c a b'],
])('%s', (_, given, expected) => {
  expect(inDependencyOrder(containers(given)).map(({ name }) => name)).toEqual(expected.split(' '));
});

test.each([
  ['a b>a c>a,b', undefined],
  ['a>a', 'a a'],
  ['a>b b>a', 'a b a'],
  ['a>b b>c c>b', 'b c b'],
  ['a>elsewhere', undefined],
])('the circle in %s', (given, expected) => {
  expect(dependencyCycle(containers(given))?.join(' ')).toBe(expected);
});

test.each([
  ['a>b b>c c', 'a', 'b c'],
  ['a b', 'a', ''],
  ['a>b,c b>d c>d d', 'a', 'b d c'],
  ['a>elsewhere', 'a', 'elsewhere'],
  ['a>b b>a', 'a', 'b'],
])('of %s %s needs %s', (given, name, expected) => {
  expect(allNeeds(containers(given), name).join(' ')).toBe(expected);
});

describe('over all of them', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const all = fc.uniqueArray(fc.record({ name, dependsOn: fc.uniqueArray(name, { maxLength: 2 }) }), {
    selector: (container) => container.name,
  });

  test('none is lost, and without a circle each comes after what it depends on', () => {
    fc.assert(
      fc.property(all, (given) => {
        const ordered = inDependencyOrder(given);
        expect(new Set(ordered)).toEqual(new Set(given));
        expect(ordered).toHaveLength(given.length);
        if (dependencyCycle(given) !== undefined) return;
        const names = ordered.map((container) => container.name);
        for (const { name: own, dependsOn } of given) {
          for (const need of dependsOn.filter((one) => names.includes(one))) {
            expect(names.indexOf(need)).toBeLessThan(names.indexOf(own));
          }
        }
      }),
    );
  });
});
