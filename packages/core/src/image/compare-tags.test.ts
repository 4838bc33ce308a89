import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareTags } from './index.ts';

describe('compareTags', () => {
  /** Each list is ascending; every pair of it is compared both ways. */
  test.each([
    [['1.0.0', '1.0.1', '1.1.0', '1.2.0', '1.10.0', '2.0.0', '10.0.0']],
    // semver.org, rule 11.
    [
      [
        '1.0.0-alpha',
        '1.0.0-alpha.1',
        '1.0.0-alpha.beta',
        '1.0.0-beta',
        '1.0.0-beta.2',
        '1.0.0-beta.11',
        '1.0.0-rc.1',
        '1.0.0',
      ],
    ],
    [['v0.9.0', '1.0.0', 'v1.0.0', 'v1.0.1-rc1', 'v1.0.1', '1.1.0']],
    [['3.13.0a1', '3.13.0b1', '3.13.0rc1', '3.13.0rc2', '3.13.0']],
    [['1.3.9', '1.4.0', '1.4.0.B000001', '1.4.0.B000027', '1.4.0.B000100', '1.4.1-rc1', '1.4.1']],
    [['2023-12-31', '2024-01-01', '2024-01-01-1', '2024-01-15', '2024-10-02']],
    [['20231231', '20240101', '20240101-1']],
    [['7', '8', '9', '10', '100', '18446744073709551616', '18446744073709551617']],
    [['16-alpine', '16', '16.1-alpine', '16.1', '16.2']],
    [['1.2.3-alpine', '1.2.3', '1.2.3-1', '1.2.3-2', '1.2.3-14-g1a2b3c4']],
    [['0ab12cd', 'deadbeef', 'dev', 'main', 'stable', 'latest', '0.0.1']],
    [['pr-2', 'pr-10', 'RELEASE.2023-12-31T00-00-00Z', 'RELEASE.2024-01-16T16-07-38Z']],
    [['7.2.0', '7.4.0', '7.4.1-SNAPSHOT', '7.4.1']],
  ])('%j', (ascending) => {
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) {
        expect([a, b, Math.sign(compareTags(a, b))]).toEqual([a, b, Math.sign(i - j)]);
      }
    }
  });

  const word = fc.constantFrom('', 'v', 'rc', 'alpha', 'B', 'b', 'alpine', 'latest', 'T', 'g1a2b3c4', 'main');
  const separator = fc.constantFrom('', '.', '-', '_');
  const number = fc.oneof(fc.nat(20).map(String), fc.constantFrom('00', '007', '2024', '01', '20240115'));
  /** Made of the pieces that decide the order, so that ties and near ties are common. */
  const tag = fc.oneof(
    fc
      .array(fc.tuple(word, separator, number, separator), { maxLength: 4 })
      .map((parts) => parts.flat().join('')),
    fc.string(),
    fc.stringMatching(/^[0-9a-f]{7}$/),
  );

  test('is a total order in which only equal texts are equal', () => {
    fc.assert(
      fc.property(tag, tag, tag, (a, b, c) => {
        const ab = Math.sign(compareTags(a, b));
        expect(compareTags(a, a)).toBe(0);
        expect(ab + Math.sign(compareTags(b, a))).toBe(0);
        expect(ab === 0).toBe(a === b);
        if (ab <= 0 && compareTags(b, c) <= 0) expect(compareTags(a, c)).toBeLessThanOrEqual(0);
        if (ab >= 0 && compareTags(b, c) >= 0) expect(compareTags(a, c)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test('sorting does not depend on the order that tags came in', () => {
    fc.assert(
      fc.property(fc.uniqueArray(tag, { maxLength: 12 }), (tags) => {
        expect(tags.toReversed().toSorted(compareTags)).toEqual(tags.toSorted(compareTags));
      }),
    );
  });
});
