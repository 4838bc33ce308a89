import type { BuildRun } from '@towline/core/build';
import type { Job } from '@towline/core/job';
import type { ContainerSpec } from '@towline/core/protocol';
import type { Choice, RefusalCode } from '@towline/core/rules';
import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BuildsOnEngine, SERVICE } from '../builds/builds-on-engine.ts';
import { ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.a;
let build: BuildsOnEngine;
let on: ServiceOnEngine;

beforeEach(async () => {
  build = await BuildsOnEngine.start(host, registry);
  on = await ServiceOnEngine.start(host, { builds: build.builds });
});
afterEach(async () => {
  await on.close();
  await build.close();
});

const pushed = () => build.definition();
const local = () => build.definition({ image: { name: `${build.word}/local`, version: '1.0.0' } });

/** A container of the build's image, which the map says how to create. */
function spec(image: string, more: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    name: on.name('storefront'),
    image,
    kind: 'built',
    run: {},
    settle: 0.3,
    build: { name: 'storefront', here: true },
    ...more,
  };
}

async function deploy(container: ContainerSpec, choice: Choice): Promise<Job> {
  const input = on.input([], {
    service: SERVICE,
    containers: [container],
    choices: [{ container: container.name, choice }],
  });
  return await on.ended(await on.begin(input));
}

async function deployed(container: ContainerSpec, choice: Choice, run: BuildRun): Promise<Job> {
  const job = await deploy(container, choice);
  expect(job.error ?? job.refusal).toBeUndefined();
  expect(job).toMatchObject({ state: 'DONE', tasks: [{ to: { tag: run.tag } }] });
  expect(await on.inspect(container.name)).toMatchObject({
    Image: run.imageId,
    Config: { Image: `${run.image}:${run.tag}` },
    State: { Running: true },
  });
  return job;
}

async function refused(container: ContainerSpec, choice: Choice, code: RefusalCode): Promise<string> {
  const before = await on.names();
  const job = await deploy(container, choice);
  expect(job).toMatchObject({ state: 'REFUSED', refusal: { code } });
  expect(await on.names()).toEqual(before);
  return job.refusal?.message ?? '';
}

test.each([
  ['an image of a registry', pushed],
  ['an image without a registry', local],
])('%s is deployed where it was built: latest, built, designated', async (_, definition) => {
  const container = spec(definition().image.name);
  await refused(container, { mode: 'latest' }, 'no-successful-image');
  const first = await build.run(definition());
  const job = await deployed(container, { mode: 'latest' }, first);
  expect(job.tasks[0]?.to.digest).toBe(first.pushed?.digest);
  await refused(container, { mode: 'latest' }, 'same-version');

  const second = await build.run(definition());
  await refused(container, { mode: 'build-deploy', confirmed: false }, 'not-confirmed');
  await refused(container, { mode: 'build-deploy', confirmed: true }, 'no-successful-image');
  await deployed(container, { mode: 'build-deploy', confirmed: true, built: second.tag }, second);
  // The rollback.
  await deployed(container, { mode: 'designated', tag: first.tag }, first);
  await deployed(container, { mode: 'latest' }, second);
});

test('what a run did not make, and what is gone, is refused with the reason', async () => {
  const container = spec(local().image.name);
  const failed = await build.run({ ...local(), command: { image: build.baseImage, run: 'exit 1' } });
  const why = `The build storefront (${failed.tag}) failed in BUILD: `;
  expect(await refused(container, { mode: 'designated', tag: failed.tag }, 'no-successful-image')).toContain(
    why,
  );
  const built: Choice = { mode: 'build-deploy', confirmed: true, built: failed.tag };
  expect(await refused(container, built, 'build-failed')).toContain(why);
  const run = await build.run(local());
  const ref = `${run.image}:${run.tag}`;
  await host.docker('rmi', ref);
  expect(await refused(container, { mode: 'latest' }, 'no-successful-image')).toContain('gone');
  await host.docker('tag', build.baseImage, ref);
  expect(await refused(container, { mode: 'latest' }, 'no-successful-image')).toContain('another image');
  const tag = '1.0.0.B000099';
  expect(await refused(container, { mode: 'designated', tag }, 'no-successful-image')).toContain('gone');
});

test('an image that was pruned here and is in no registry is refused', async () => {
  const once = { ...local(), keep: 1 };
  const first = await build.run(once);
  await build.run(once);
  await vi.waitFor(async () =>
    expect(await build.builds.get(first.id)).toMatchObject({ imageRemoved: true }),
  );
  const container = spec(local().image.name);
  const why = await refused(container, { mode: 'designated', tag: first.tag }, 'no-successful-image');
  expect(why).toContain('removed');
});

test('an image that another agent built comes from the registry, or not at all', async () => {
  const run = await build.run(pushed());
  const elsewhere = { name: 'storefront', here: false };
  const container = spec(run.image, {
    build: { ...elsewhere, latest: { tag: run.tag, ...(run.pushed && { digest: run.pushed.digest }) } },
  });
  await deployed(container, { mode: 'latest' }, run);
  const unknown = spec(run.image, { build: elsewhere });
  await refused(unknown, { mode: 'latest' }, 'no-successful-image');
  const without = await build.run(build.definition({ name: 'other', image: local().image }));
  const nowhere = spec(without.image, {
    build: { name: 'other', here: false, latest: { tag: without.tag } },
  });
  await refused(nowhere, { mode: 'latest' }, 'needs-registry');
});
