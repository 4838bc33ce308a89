import { setFlagsFromString } from 'node:v8';
import { expect, test } from 'vitest';
import { COMPILERS, compileOnceBusy } from './compilers.ts';

/** V8's own bit for what one of its optimizing compilers made. */
const OPTIMIZED = 1 << 4;

test('what runs often is compiled once the process is busy, and not before', async () => {
  setFlagsFromString('--allow-natives-syntax');
  const statusOf = new Function('of', 'return %GetOptimizationStatus(of)') as (of: unknown) => number;
  for (const name of COMPILERS) setFlagsFromString(`--no-${name}`);
  const sum = (up: number) => {
    let all = 0;
    for (let at = 0; at < up; at++) all += at % 7;
    return all;
  };
  const isCompiled = () => {
    for (let times = 0; times < 2_000; times++) sum(1_000);
    return (statusOf(sum) & OPTIMIZED) !== 0;
  };
  expect(isCompiled()).toBe(false);
  compileOnceBusy(20);
  await expect.poll(isCompiled, { interval: 1 }).toBe(true);
});
