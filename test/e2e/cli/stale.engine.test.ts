import { randomUUID } from 'node:crypto';
import type { Job } from '@towline/core/job';
import { buildPipeline, type ServerPlan, toExecuteInput } from '@towline/core/plan';
import type { Choice } from '@towline/core/rules';
import { type Fleet, followJob } from '@towline/tui/fleet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuildPlace, createBuildPlace } from './build-place.ts';

const FIRST = '1.4.0.B000001';

let place: BuildPlace;
let fleet: Fleet;

beforeAll(async () => {
  place = await createBuildPlace();
  fleet = await place.fleet();
});

afterAll(async () => {
  await fleet.close();
  await place.close();
});

/** Sends a choice as a screen would on which it was armed, whatever it is now. What the agent made of it. */
async function send(server: string, short: string, choice: Choice, options: { builds?: boolean } = {}) {
  const [service] = fleet.store.getState().services;
  const map = service?.maps[0];
  const definition = map?.servers.find(({ name }) => name === server);
  const container = definition?.containers.find(({ name }) => name === place.nameOf(short));
  if (service === undefined || map === undefined || definition === undefined || container === undefined) {
    throw new Error(`the map has no ${server}/${short}`);
  }
  const { builds } = buildPipeline({ service, map, agents: fleet.store.getState().agents, readOnly: false });
  const plan: ServerPlan = {
    server,
    agent: definition.agent,
    armed: [{ container: container.name, image: container.image, choice, stages: ['deploy'] }],
    skipped: [],
  };
  const from = { service: service.name, map: map.name, key: randomUUID(), operator: 'ada' };
  const input = toExecuteInput(plan, definition, { ...from, ...(options.builds !== false && { builds }) });
  const begun = await fleet.execute(definition.agent, input);
  if (!begun.ok) return begun.error.refusal?.code ?? begun.error.code;
  const { signal } = new AbortController();
  const end = await followJob(fleet, definition.agent, begun.value.jobId, { signal, onEvent: () => {} });
  const job: Job | undefined = end.last;
  return job?.refusal?.code ?? job?.state;
}

async function build(): Promise<string> {
  const ran = await place.run('build', 'run', 'storefront', '--json');
  expect(ran.code).toBe(0);
  return Object(ran.json()).tag;
}

test('before there is an image the agent refuses Latest, whatever a screen says it is', async () => {
  expect(await send('web', 'front', { mode: 'latest' })).toBe('no-successful-image');
  expect(await send('web', 'front', { mode: 'designated', tag: FIRST })).toBe('tag-not-found');
  expect(await send('web', 'front', { mode: 'build-deploy', confirmed: true })).toBe('no-successful-image');
  expect(await send('web', 'front', { mode: 'build-deploy', confirmed: true, built: FIRST })).toBe(
    'tag-not-found',
  );
  expect(await place.runs('a', 'front')).toBeUndefined();
});

test('after it, each mode is armed or refused by what the agent finds', async () => {
  expect(await build()).toBe(FIRST);
  expect(await send('web', 'front', { mode: 'latest' })).toBe('DONE');
  expect(await place.runs('a', 'front')).toBe(FIRST);

  // The screens of two operators: the other one was faster.
  expect(await send('web', 'front', { mode: 'latest' })).toBe('same-version');
  expect(await send('web', 'front', { mode: 'designated', tag: FIRST })).toBe('same-version');
  expect(await send('web', 'front', { mode: 'designated', tag: '' })).toBe('no-tag');
  expect(await send('web', 'front', { mode: 'designated', tag: 'no tag' })).toBe('invalid-tag');
  expect(await send('web', 'front', { mode: 'designated', tag: '1.4.0.B000099' })).toBe('tag-not-found');
  expect(await send('web', 'front', { mode: 'build-deploy', confirmed: false })).toBe('not-confirmed');
  expect(await send('web', 'front', { mode: 'image-tag', tag: FIRST })).toBe('mode-not-allowed');
  expect(await send('web', 'gateway', { mode: 'latest' })).toBe('mode-not-allowed');
  expect(await send('web', 'gateway', { mode: 'designated', tag: 'ok' })).toBe('mode-not-allowed');
  expect(await send('web', 'gateway', { mode: 'build-deploy', confirmed: true })).toBe('mode-not-allowed');
  // What was built for it is deployed, and no version is compared.
  expect(await send('web', 'front', { mode: 'build-deploy', confirmed: true, built: FIRST })).toBe('DONE');
  expect(await place.runs('a', 'front')).toBe(FIRST);
});

test('Latest is what the agent has built by then, not what a screen last saw', async () => {
  const second = await build();
  expect(await send('web', 'front', { mode: 'latest' }, { builds: true })).toBe('DONE');
  expect(await place.runs('a', 'front')).toBe(second);
});

test('an image that can not get there is refused by the agent too', async () => {
  const ran = await place.run('build', 'run', 'inner');
  expect(ran.code).toBe(0);
  expect(await send('far', 'outside', { mode: 'latest' })).toBe('needs-registry');
  expect(await send('inner', 'inside', { mode: 'latest' })).toBe('DONE');
});

test('a server that was stopped meanwhile is refused', async () => {
  await place.hosts.a.docker('stop', place.nameOf('front'));
  expect(await send('web', 'front', { mode: 'designated', tag: FIRST })).toBe('server-not-running');
});
