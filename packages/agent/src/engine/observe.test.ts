import { expect, test } from 'vitest';
import type { ContainerInspect, ImageInspect } from './engine.ts';
import { observeContainer } from './observe.ts';

const HEX = 'a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4';
const DIGEST = `sha256:${HEX}`;
const IMAGE_ID = `sha256:${'1'.repeat(64)}`;

/** What of an inspect is looked at; the rest of the engine's answer does not matter here. */
function container(image: string, state: object = {}): ContainerInspect {
  const inspect: unknown = {
    Id: 'c0ffee',
    Name: '/web',
    Image: IMAGE_ID,
    Created: '2026-01-01T00:00:00Z',
    State: {
      Status: 'running',
      Running: true,
      ExitCode: 0,
      StartedAt: '2026-01-01T00:00:01Z',
      FinishedAt: '0001-01-01T00:00:00Z',
      ...state,
    },
    HostConfig: { AutoRemove: true },
    Config: { Image: image, Tty: false, Labels: { 'com.docker.compose.project': 'shop' } },
  };
  return inspect as ContainerInspect;
}

function image(tags: string[], digests: string[]): ImageInspect {
  const inspect: unknown = { Id: IMAGE_ID, RepoTags: tags, RepoDigests: digests };
  return inspect as ImageInspect;
}

test('a container as a row', () => {
  const found = observeContainer(
    container('localhost:5000/shop/web:1.2'),
    image(['localhost:5000/shop/web:1.2'], [`localhost:5000/shop/web@${DIGEST}`]),
  );
  expect(found).toEqual({
    id: 'c0ffee',
    name: 'web',
    image: 'localhost:5000/shop/web:1.2',
    imageId: IMAGE_ID,
    tag: '1.2',
    digest: DIGEST,
    state: 'running',
    createdAt: '2026-01-01T00:00:00Z',
    startedAt: '2026-01-01T00:00:01Z',
    composeProject: 'shop',
    autoRemove: true,
  });
});

test.each<[string, string, string[], string | undefined]>([
  ['the tag that it was created with', 'web:1.2', ['web:1.3'], '1.2'],
  ['latest, where it names none', 'web', ['web:1.3'], 'latest'],
  ['a port is no tag', 'localhost:5000/web', [], 'latest'],
  ['by digest: one that its image has', `web@${DIGEST}`, ['other:9', 'web:1.3'], '1.3'],
  ['by digest, and its image has none of the name', `web@${DIGEST}`, ['other:9'], undefined],
  ['by digest and tag: the tag', `web:1.2@${DIGEST}`, ['web:1.3'], '1.2'],
  ['by its image’s id', IMAGE_ID, ['web:1.3'], '1.3'],
  ['by its image’s id without the algorithm', '1'.repeat(64), ['web:1.3'], '1.3'],
  ['by a short id', '1'.repeat(12), ['web:1.3'], '1.3'],
  ['by the id of an image that has no name any more', IMAGE_ID, [], undefined],
])('its tag: %s', (_, created, tags, tag) => {
  expect(observeContainer(container(created), image(tags, [])).tag).toBe(tag);
});

test('its digest is that of its own repository, also where the names are written differently', () => {
  const digests = [`other/web@sha256:${'2'.repeat(64)}`, `nginx@${DIGEST}`];
  expect(observeContainer(container('docker.io/library/nginx:1'), image([], digests)).digest).toBe(DIGEST);
  expect(observeContainer(container('shop/none:1'), image([], digests)).digest).toBeUndefined();
});

test('an image that is gone leaves what the container itself knows', () => {
  const found = observeContainer(container('web:1.2'), undefined);
  expect(found.tag).toBe('1.2');
  expect(found.digest).toBeUndefined();
});

test('exit codes and times only where they mean something', () => {
  const never = { Status: 'created', Running: false, StartedAt: '0001-01-01T00:00:00Z' };
  const created = observeContainer(container('web', never), undefined);
  expect([created.state, created.exitCode, created.startedAt]).toEqual(['created', undefined, undefined]);
  const exited = observeContainer(container('web', { Status: 'exited', ExitCode: 0 }), undefined);
  expect([exited.state, exited.exitCode]).toEqual(['exited', 0]);
});

test('a health without a healthcheck is none, and a state that is not known is dead', () => {
  expect(
    observeContainer(container('web', { Health: { Status: 'none' } }), undefined).health,
  ).toBeUndefined();
  expect(observeContainer(container('web', { Health: { Status: 'unhealthy' } }), undefined).health).toBe(
    'unhealthy',
  );
  expect(observeContainer(container('web', { Status: 'strange' }), undefined).state).toBe('dead');
});
