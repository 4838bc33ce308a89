import { expect, test } from 'vitest';
import type { JsonObject } from './json.ts';
import { sharedContainers, tiesOf, tieWords } from './ties.ts';

const ID = '076998e22940fbc01be1ee1ff602f40922a81e088dd49fcd9ef005ebe88ec326';

test.each<[JsonObject, string]>([
  [{ NetworkMode: `container:${ID}` }, `network ${ID}`],
  [{ PidMode: 'container:web', IpcMode: 'container:web' }, 'pid web, ipc web'],
  [{ VolumesFrom: ['web:ro', 'db'] }, 'volumes web, volumes db'],
  [{ Links: ['/web:/side/alias'] }, 'link web'],
  // As a request has it.
  [{ Links: ['web:alias'] }, 'link web'],
  [{ NetworkMode: 'host', PidMode: 'host', IpcMode: 'shareable', VolumesFrom: null, Links: null }, ''],
  [{}, ''],
])('%o', (HostConfig, expected) => {
  expect(
    tiesOf({ HostConfig })
      .map(({ kind, to }) => `${kind} ${to}`)
      .join(', '),
  ).toBe(expected);
});

test('a link shares nothing', () => {
  expect(sharedContainers({ HostConfig: { Links: ['/web:/side/alias'], VolumesFrom: ['db'] } })).toEqual([
    'db',
  ]);
});

test('in words', () => {
  const ties = tiesOf({ HostConfig: { NetworkMode: 'container:web', VolumesFrom: ['db', 'db:ro'] } });
  expect(tieWords(ties)).toBe('shares the network of web, and has the volumes of db');
});
