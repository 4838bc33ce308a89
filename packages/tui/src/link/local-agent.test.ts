import { expect, test } from 'vitest';
import { lastWord } from './last-word.ts';
import { installedAgent } from './local-agent.ts';

test('sources start the source, bundles the bundle, and a lone program what the PATH has', () => {
  const there = () => true;
  expect(installedAgent('file:///x/packages/tui/src/link/local-agent.ts', there)[1]).toBe(
    '/x/packages/agent/src/main.ts',
  );
  expect(installedAgent('file:///x/packages/tui/dist/towline.js', there)[1]).toBe(
    '/x/packages/agent/bin/towline-agent.js',
  );
  expect(installedAgent('file:///usr/lib/towline.js', () => false)).toEqual(['towline-agent']);
});

test.each([
  ['', undefined],
  ['\n\n', undefined],
  ['{"level":30,"msg":"listening"}\n', 'listening'],
  [
    '{"level":30,"msg":"a"}\ntowline-agent: Another agent uses it.\n{"level":30,"msg":"b"}\n',
    'Another agent uses it.',
  ],
  ['Segmentation fault\n', 'Segmentation fault'],
  ['{"half', '{"half'],
])('the last word of %j is %j', (log, word) => {
  expect(lastWord(log)).toBe(word);
});
