import { expect, test } from 'vitest';
import { exitCodeOfCall } from './call-exit-code.ts';

test.each([
  ['agent-unreachable', 5],
  ['protocol-mismatch', 5],
  ['engine-unreachable', 5],
  ['agent-forgot', 5],
  ['refused', 2],
  ['not-found', 1],
  ['registry-unavailable', 1],
  ['unauthorised', 1],
  ['internal', 1],
])('%s ends with %i', (code, expected) => {
  expect(exitCodeOfCall({ code, message: 'why' })).toBe(expected);
});

test.each([
  ['job-running', 2],
  ['agent-unreachable', 5],
] as const)('a refusal with %s ends with %i', (code, expected) => {
  expect(exitCodeOfCall({ code: 'refused', message: 'why', refusal: { code, message: 'why' } })).toBe(
    expected,
  );
});
