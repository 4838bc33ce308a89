import { expect, test } from 'vitest';
import { listLines } from './prune.ts';

const image = (bytes: number) => ({
  id: `sha256:${bytes}`,
  names: ['shop/web:1'],
  bytes,
  createdAt: '2026-01-02T00:00:00Z',
});

test('how much is left over is said where it is something', () => {
  const lines = listLines([
    { agent: 'alpha', value: { containers: [], images: [image(2000)] } },
    {
      agent: 'beta',
      value: { containers: [{ id: 'c', name: 'web.prev.1', bytes: 0 }], images: [image(0)] },
    },
  ]);
  expect(lines.filter((line) => !line.startsWith(' '))).toEqual([
    'alpha: 1 image, at least 2.00 kB:',
    'beta: 1 container and 1 image:',
  ]);
});
