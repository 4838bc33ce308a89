import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  padEnd,
  padStart,
  takeColumns,
  truncateEnd,
  truncateMiddle,
  truncatePath,
  wrapText,
} from './fit-text.ts';
import { textWidth } from './text-width.ts';

const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme-ascii' }));

test.each([
  ['short', 10, 'short'],
  ['registry', 8, 'registry'],
  ['a-long-container-name', 11, 'a-lon…-name'],
  ['网关服务器', 6, '网…器'],
  ['🚀🚀🚀🚀', 5, '🚀…🚀'],
  ['anything', 1, '…'],
  ['anything', 0, ''],
])('%s in the middle to %i columns is %s', (given, width, expected) => {
  expect(truncateMiddle(given, width)).toBe(expected);
});

test.each([
  ['/etc/towline.yaml', 20, '/etc/towline.yaml'],
  ['/srv/shop/new/.demo/towline.yaml', 28, '…/new/.demo/towline.yaml'],
  ['/srv/shop/towline.yaml', 13, '…towline.yaml'],
  ['/srv/shop/towline.yaml', 14, '…/towline.yaml'],
  ['/srv', 0, ''],
])('the path %s in %i columns is %s', (given, width, expected) => {
  expect(truncatePath(given, width)).toBe(expected);
});

test('what is cut, fits; what is filled, is full', () => {
  fc.assert(
    fc.property(text, fc.nat(40), (given, width) => {
      for (const cut of [
        truncateEnd(given, width),
        truncateMiddle(given, width),
        truncatePath(given, width),
        takeColumns(given, width),
      ]) {
        expect(textWidth(cut)).toBeLessThanOrEqual(width);
        expect(textWidth(padEnd(cut, width))).toBe(width);
        expect(textWidth(padStart(cut, width))).toBe(width);
      }
    }),
  );
});

test('a text is wrapped at its blanks, and a word that is too long is cut', () => {
  expect(wrapText('the quick brown fox', 10)).toEqual(['the quick', 'brown fox']);
  expect(wrapText('unbreakable', 4)).toEqual(['unbr', 'eaka', 'ble']);
  expect(wrapText('one\ntwo', 10)).toEqual(['one', 'two']);
  expect(wrapText('漢字漢字', 4)).toEqual(['漢字', '漢字']);
});

test('wrapping keeps every character and every line inside', () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 4, max: 30 }), (given, width) => {
      const lines = wrapText(given, width);
      for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width);
      expect(lines.join('').replaceAll(' ', '')).toBe(given.replaceAll(/[ \n]/g, ''));
    }),
  );
});
