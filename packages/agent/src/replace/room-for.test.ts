import { expect, test } from 'vitest';
import { bytesToPull } from './room-for.ts';

const layers = [
  { size: 100, diffId: 'sha256:base' },
  { size: 20, diffId: 'sha256:own' },
  { size: 3, diffId: undefined },
];

test.each<[string[], number]>([
  [[], 123],
  [['sha256:base'], 23],
  [['sha256:base', 'sha256:own', 'sha256:else'], 3],
])('of layers where the engine has %j', (present, bytes) => {
  expect(bytesToPull(layers, new Set(present))).toBe(bytes);
});
