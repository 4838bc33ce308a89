import type { ExecuteInput } from '@towline/core/protocol';
import type { Choice, RefusalCode } from '@towline/core/rules';
import { sharedSandbox } from '@towline/test/sandbox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const gateway = `${registry}/shop/gateway`;
let on: ServiceOnEngine;
/** One that runs 1.0.0, for all refusals that it can be had with. */
let name: string;

const run = (container: string, ...words: string[]) =>
  on.host.docker('run', '--detach', '--name', container, ...words, `${gateway}:1.0.0`);

beforeAll(async () => {
  on = await ServiceOnEngine.start(hosts.b);
  name = on.name('gateway');
  await run(name);
});
afterAll(() => on.close());

/** Executes, and expects a job that was refused and left everything as it was. */
async function expectRefused(input: ExecuteInput, code: RefusalCode): Promise<string> {
  const before = await on.host.docker('ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.Names}} {{.State}}');
  const job = await on.ended(await on.begin(input));
  expect(job).toMatchObject({ state: 'REFUSED', refusal: { code } });
  const after = await on.host.docker('ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.Names}} {{.State}}');
  const ours = (listed: string) => listed.split('\n').filter((line) => line.includes(on.name('')));
  expect(ours(after)).toEqual(ours(before));
  expect(on.jobs.degraded()).toEqual([]);
  return job.refusal?.message ?? '';
}

const one = (container: string, tag = '1.1.0', image = gateway) => on.input([{ container, image, tag }]);
const choosing = (container: string, choice: Choice, kind: 'common' | 'built' = 'built') =>
  on.input([{ container, image: gateway, tag: '', more: { kind } }], { choices: [{ container, choice }] });

test('containers that wait for each other are no order', async () => {
  const more = (need: string) => ({ dependsOn: [need] });
  const input = on.input([
    { container: name, image: gateway, tag: '1.1.0', more: more('other') },
    { container: 'other', image: gateway, tag: '1.1.0', more: more(name) },
  ]);
  expect(await on.jobs.execute(input)).toMatchObject({
    ok: false,
    error: { code: 'bad-request', message: `Containers wait for each other: ${name} → other → ${name}.` },
  });
});

test('the server is not running', async () => {
  const stopped = on.name('stopped');
  await run(stopped);
  await on.host.docker('stop', stopped);
  await expectRefused(one(stopped), 'server-not-running');
});

test('a job is running on it: by the server, and by a container that another server lists as well', async () => {
  const slow = { container: name, image: gateway, tag: '1.1.0', more: { settle: 600 } };
  const input = on.input([slow]);
  const [first, second] = await Promise.all([
    on.jobs.execute(input),
    on.jobs.execute({ ...input, key: 'another-key' }),
  ]);
  if (!first.ok) throw new Error(first.error.message);
  const running = { ok: false, error: { code: 'refused', refusal: { code: 'job-running' } } };
  expect(second).toMatchObject(running);
  expect(await on.jobs.execute(on.input([slow], { server: 'another' }))).toMatchObject(running);
  await on.jobs.cancel(first.value.jobId, 'ben');
  await on.ended(first.value.jobId);
  // What was refused at the door is no job.
  expect(on.jobs.list(1)[0]?.id).toBe(first.value.jobId);
});

test.each<[string, RefusalCode]>([
  ['', 'no-tag'],
  ['not a tag', 'invalid-tag'],
  ['1.0.0', 'same-version'],
  ['9.9.9', 'tag-not-found'],
])('the tag "%s": %s', async (tag, code) => {
  await expectRefused(one(name, tag), code);
});

test.each<[RefusalCode, 'common' | 'built', Choice]>([
  ['mode-not-allowed', 'common', { mode: 'latest' }],
  ['mode-not-allowed', 'built', { mode: 'image-tag', tag: '1.1.0' }],
  ['same-version', 'built', { mode: 'designated', tag: '1.0.0' }],
  ['no-successful-image', 'built', { mode: 'latest' }],
  ['not-confirmed', 'built', { mode: 'build-deploy', confirmed: false }],
  ['no-successful-image', 'built', { mode: 'build-deploy', confirmed: true }],
])('%s: %s, %o', async (code, kind, choice) => {
  await expectRefused(choosing(name, choice, kind), code);
});

test('the registry does not answer', async () => {
  // Nothing listens on port 1.
  await expectRefused(one(name, '1.1.0', 'localhost:1/shop/gateway'), 'registry-unavailable');
});

test('the container does not exist, and the map does not say how to create it, or says it wrongly', async () => {
  const container = on.name('nothing');
  await expectRefused(one(container), 'container-missing');
  const spec = { container, image: gateway, tag: '1.1.0' };
  const message = await expectRefused(
    on.input([{ ...spec, more: { run: { ports: 'none' } } }]),
    'invalid-run',
  );
  expect(message).toContain('ports');
});

test('stopping it would delete it', async () => {
  const removed = on.name('removed');
  await run(removed, '--rm');
  await expectRefused(one(removed), 'auto-remove');
});

test('it shares a namespace with a container that is gone', async () => {
  const donor = on.name('donor');
  const sharing = on.name('sharing');
  await run(donor, '--ipc', 'shareable');
  await run(sharing, '--ipc', `container:${donor}`);
  await on.host.docker('rm', '--force', '--volumes', donor);
  await expectRefused(one(sharing), 'dead-reference');
});

test('the image that it was made of is gone', async () => {
  const orphan = on.name('orphan');
  const image = `${on.name('only-here')}:1`;
  await on.host.docker('commit', name, image);
  await on.host.docker('run', '--detach', '--name', orphan, image);
  await on.host.docker('stop', orphan);
  await on.host.docker('rmi', '--force', image);
  await on.host.docker('start', orphan);
  await expectRefused(one(orphan), 'old-image-gone');
});

test('the agent runs in it', async () => {
  const { Id } = await on.inspect(name);
  await on.restart({
    own: { cgroup: `0::/system.slice/docker-${Id}.scope\n`, mountinfo: '', hostname: 'x' },
  });
  await expectRefused(one(name), 'own-container');
  await on.restart();
});

test('the image is for another platform', async () => {
  const faulty = `${registry}/test/faulty`;
  const other = on.name('faulty');
  await on.host.docker('run', '--detach', '--name', other, `${faulty}:ok`);
  await expectRefused(one(other, 'foreign', faulty), 'wrong-platform');
});

test('a request that makes no sense', async () => {
  const input = one(on.name('gateway'));
  const chosen = input.choices[0];
  if (chosen === undefined) throw new Error('a choice');
  for (const change of [
    { choices: [chosen, chosen] },
    { choices: [{ ...chosen, container: 'another' }] },
    { containers: [...input.containers, ...input.containers] },
  ]) {
    expect(await on.jobs.execute({ ...input, ...change })).toMatchObject({
      ok: false,
      error: { code: 'bad-request' },
    });
  }
});
