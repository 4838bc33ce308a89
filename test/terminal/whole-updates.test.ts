import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WholeUpdates } from './whole-updates.ts';

const BEGIN = '\u001b[?2026h';
const END = '\u001b[?2026l';

test('wherever the bytes of a program are cut, its updates are shown whole, and nothing is lost', () => {
  const update = fc.constantFrom('a frame', '\u001b[2Krow', 'l').map((text) => `${BEGIN}${text}${END}`);
  const part = fc.oneof(update, fc.constantFrom('plain', '\u001b', '\u001b[31m', '\u001b[?25h'));
  fc.assert(
    fc.property(fc.array(part), fc.array(fc.nat(12)), (parts, cuts) => {
      const all = parts.join('');
      const updates = new WholeUpdates();
      let shown = '';
      let from = 0;
      for (const cut of [...cuts, all.length]) {
        for (const part of updates.take(all.slice(from, from + cut))) {
          shown += part;
          expect(part.split(BEGIN).length).toBeLessThanOrEqual(2);
          expect(part.split(BEGIN).length).toBe(part.split(END).length);
        }
        from += cut;
      }
      expect(shown + updates.rest()).toBe(all);
    }),
  );
});

test('what is no update is shown as it comes', () => {
  const updates = new WholeUpdates();
  expect(updates.take('name? ')).toEqual(['name? ']);
  expect(updates.take('\u001b[?25')).toEqual(['\u001b[?25']);
});

test('half an update of a program that has ended is shown', () => {
  const updates = new WholeUpdates();
  expect(updates.take(`before${BEGIN}half`)).toEqual(['before']);
  expect(updates.rest()).toBe(`${BEGIN}half`);
});
