import { expect, test } from 'vitest';
import { notWritten } from './index.ts';

test('a full disk is told as one, with what makes room', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const said = notWritten('The job', full);
  expect(said).toMatch(/^The job could not be written down: the disk of the agent's state folder is full\./);
  expect(said).toMatch(/Nothing was begun\. Free some space on the agent's machine/);
});

test('any other reason is told in its own words', () => {
  expect(notWritten('The run', new Error('EROFS: read-only file system'))).toBe(
    "The run could not be written down (EROFS: read-only file system), so nothing was begun. Look after the disk of the agent's state folder.",
  );
});
