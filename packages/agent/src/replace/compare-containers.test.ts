import { settingChangeSchema } from '@towline/core/job';
import { expect, test } from 'vitest';
import { compareContainers } from './compare-containers.ts';
import { deriveCreate } from './derive-create.ts';
import { fixture } from './fixtures/index.ts';
import { type JsonObject, object } from './json.ts';

const oldImage = {
  Config: {
    Env: ['PATH=/bin', 'COLOUR=blue', 'GONE=1'],
    Cmd: ['serve', 'one'],
    Labels: { version: '1' },
    WorkingDir: '/one',
  },
};
const newImage = {
  Config: {
    Env: ['PATH=/bin', 'COLOUR=green', 'CAME=2'],
    Cmd: ['serve', 'two'],
    Labels: { version: '2' },
    WorkingDir: '/one',
    Volumes: { '/data': {} },
  },
};

const host = { NetworkMode: 'net', Memory: 64, Privileged: false, RestartPolicy: { Name: 'always' } };

function container(change: JsonObject = {}, image: JsonObject = oldImage): JsonObject {
  const { Config, HostConfig, ...rest } = change;
  return {
    Id: 'aaaaaaaaaaaaaaaa',
    Name: '/web',
    Config: { Hostname: 'aaaaaaaaaaaa', ...object(image.Config), ...object(Config) },
    HostConfig: { ...host, ...object(HostConfig) },
    NetworkSettings: { Networks: { net: { NetworkID: 'n1', Aliases: ['front', 'aaaaaaaaaaaa'] } } },
    Mounts: [],
    ...rest,
  };
}

function compare(
  next: JsonObject | undefined,
  change: Partial<Parameters<typeof compareContainers>[0]> = {},
) {
  return compareContainers({
    old: container(),
    oldImage,
    ...(next !== undefined && { next }),
    newImage,
    body: { Image: 'web:2', HostConfig: host },
    ...change,
  });
}

const successor = (change: JsonObject = {}) =>
  container(
    {
      Id: 'bbbbbbbbbbbbbbbb',
      Name: '/web.next.j1',
      NetworkSettings: { Networks: { net: { NetworkID: 'n1', Aliases: ['front', 'web.next.j1'] } } },
      ...change,
      Config: {
        Hostname: 'bbbbbbbbbbbb',
        Labels: { version: '2', 'io.towline.job': 'j1' },
        ...object(change.Config),
      },
    },
    newImage,
  );

const BY_IMAGES = [
  { setting: 'Cmd', from: '["serve","one"]', to: '["serve","two"]', by: 'image' },
  { setting: 'Env CAME', to: '2', by: 'image' },
  { setting: 'Env COLOUR', from: 'blue', to: 'green', by: 'image' },
  { setting: 'Env GONE', from: '1', by: 'image' },
  { setting: 'Labels version', from: '1', to: '2', by: 'image' },
  { setting: 'Volumes /data', to: '{}', by: 'image' },
];

test('what the images bring and take is all that is told of a faithful one', () => {
  expect(compare(successor())).toEqual(BY_IMAGES);
});

test('what the request will come to is told the same before there is a new one', () => {
  expect(compare(undefined)).toEqual(BY_IMAGES);
});

test('two containers of one image have no differences', () => {
  const next = container({
    Id: 'bbbbbbbbbbbbbbbb',
    Config: { Hostname: 'bbbbbbbbbbbb' },
    NetworkSettings: { Networks: { net: { Aliases: ['front', 'web', 'bbbbbbbbbbbb'] } } },
  });
  expect(compare(next, { newImage: oldImage })).toEqual([]);
});

test.each<[string, JsonObject, object]>([
  [
    'a limit that the engine did not take',
    { HostConfig: { Memory: 0 } },
    { setting: 'Memory', from: '64', by: 'engine' },
  ],
  [
    'an alias that was lost',
    { NetworkSettings: { Networks: { net: {} } } },
    { setting: 'Network net alias front', from: 'known', by: 'engine' },
  ],
  [
    'a network that was lost',
    { NetworkSettings: { Networks: { other: { Aliases: ['front'] } } } },
    { setting: 'Network net', from: 'connected', by: 'engine' },
  ],
  [
    'a variable with what may be a secret',
    { Config: { Env: ['PATH=/bin', 'COLOUR=green', 'CAME=2', 'TOKEN=s3cret'] } },
    { setting: 'Env TOKEN', to: '(not shown)', by: 'engine' },
  ],
  [
    'a user of neither image',
    { Config: { User: 'nobody' } },
    { setting: 'User', to: 'nobody', by: 'engine' },
  ],
])('told as nobody’s wish: %s', (_, change, told) => {
  const changes = compare(successor(change));
  expect(changes).toContainEqual(told);
  expect(JSON.stringify(changes)).not.toContain('s3cret');
});

test('a name in the place of an id is no difference', () => {
  const old = container({ HostConfig: { NetworkMode: 'n1', PidMode: 'container:0123456789ab' } });
  const next = successor({ HostConfig: { PidMode: 'container:db', Privileged: null } });
  const body = { HostConfig: { ...host, PidMode: 'container:db' } };
  expect(compare(next, { old, body })).toEqual(BY_IMAGES);
});

test('a setting whose name is too long for an event is told with its beginning', () => {
  const key = 'k'.repeat(1_000);
  const Labels = { version: '2', [key]: 'v'.repeat(1_000) };
  const changes = compare(successor({ Config: { Labels } }));
  const told = changes.find(({ setting }) => setting.startsWith('Labels k'));
  expect(told).toMatchObject({ by: 'engine' });
  expect(settingChangeSchema.safeParse(told).success).toBe(true);
});

test('no healthcheck is none, whatever the images check how often', () => {
  const none = (Interval: number) => ({ Healthcheck: { Test: ['NONE'], Interval } });
  const old = container({ Config: none(1) });
  expect(compare(successor({ Config: none(2) }), { old, body: { HostConfig: host, ...none(0) } })).toEqual(
    BY_IMAGES,
  );
});

test('how often a healthcheck asks is told in seconds, its retries as a number', () => {
  const Healthcheck = { Test: ['CMD', 'true'], Interval: 1_500_000_000, Retries: 3 };
  const told = compare(successor({ Config: { Healthcheck } })).filter(({ setting }) =>
    /check ./.test(setting),
  );
  expect(told.map(({ setting, to }) => [setting, to])).toEqual([
    ['Healthcheck Interval', '1.5s'],
    ['Healthcheck Retries', '3'],
  ]);
});

test('aliases that come later are not missed', () => {
  const next = successor({ NetworkSettings: { Networks: { net: { NetworkID: 'n1' } } } });
  expect(compare(next, { namesLater: true })).toEqual(BY_IMAGES);
});

test.each(['plain', 'chosen'])('what is derived from a real container comes to the same: %s', (name) => {
  const { container: old, image } = fixture(name);
  const derived = deriveCreate({
    container: old,
    oldImage: image,
    image: 'same',
    labels: {},
    apiVersion: '1.41',
    nameOf: (id) => id,
    mountsOf: () => [],
  });
  if (!derived.ok) throw new Error(derived.error.message);
  expect(compareContainers({ old, oldImage: image, newImage: image, body: derived.value.body })).toEqual([]);
});
