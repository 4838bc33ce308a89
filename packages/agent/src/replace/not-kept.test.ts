import { expect, test } from 'vitest';
import type { JsonObject } from './json.ts';
import { notKept } from './not-kept.ts';

const old = (container: string, HostConfig: JsonObject) => ({
  container,
  id: `id-${container}`,
  inspect: { HostConfig },
});
const held = { RestartPolicy: { Name: 'no' } };
const always = { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } };
const names = (...all: Parameters<typeof notKept>[0]) => notKept(all).map(({ container }) => container);

test('one whose policy is held is kept, and so is one that is gone or never had a policy', () => {
  const gone = { container: 'gone', id: 'id-gone', inspect: undefined };
  expect(
    names(old('web', held), old('none', {}), old('empty', { RestartPolicy: { Name: '' } }), gone),
  ).toEqual([]);
});

test('one that would come back is not, nor what hangs on it, which goes first', () => {
  expect(
    names(
      old('db', held),
      old('web', always),
      old('side', { ...held, NetworkMode: 'container:id-web' }),
      old('outer', { ...held, PidMode: 'container:id-side' }),
      old('volumes', { ...held, VolumesFrom: ['web:ro'] }),
      old('other', { ...held, NetworkMode: 'container:id-db' }),
    ),
  ).toEqual(['volumes', 'outer', 'side', 'web']);
});
