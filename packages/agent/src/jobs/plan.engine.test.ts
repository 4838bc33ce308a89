import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Chosen, ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.a;
const faulty = `${registry}/test/faulty`;
let on: ServiceOnEngine;
let web: string;

beforeEach(async () => {
  on = await ServiceOnEngine.start(host);
  web = on.name('web');
});
afterEach(async () => {
  const tag = on.name('other');
  await on.close();
  const images = await host.docker('images', '--format', '{{.Repository}}:{{.Tag}}', `${faulty}:${tag}`);
  for (const image of images.split('\n').filter(Boolean)) await host.docker('rmi', image);
});

const serve = (...words: string[]) => host.docker('run', '--detach', '--name', web, ...words, `${faulty}:ok`);
const to = (tag: string, more?: Chosen['more']): Chosen => ({
  container: web,
  image: faulty,
  tag,
  ...(more && { more }),
});

/** A tag of its own whose image the engine does not have, and that changes what these say. */
async function pushed(...changes: string[]): Promise<string> {
  const tag = on.name('other');
  const container = on.name('maker');
  await host.docker('create', '--name', container, `${faulty}:ok`);
  const words = changes.flatMap((change) => ['--change', change]);
  await host.docker('commit', ...words, container, `${faulty}:${tag}`);
  await host.docker('rm', container);
  await host.docker('push', '--quiet', `${faulty}:${tag}`);
  await host.docker('rmi', `${faulty}:${tag}`);
  return tag;
}

test('says what the job then does: its steps, what hangs on it, and what differs in an image that is not here yet', async () => {
  await serve('--env', 'MINE=1', '--label', 'mine=yes');
  await host.docker(
    'run',
    '--detach',
    '--name',
    on.name('side'),
    '--network',
    `container:${web}`,
    `${faulty}:ok`,
  );
  const tag = await pushed(
    'ENV COLOUR=green',
    'USER 7:7',
    'HEALTHCHECK --interval=100ms CMD true',
    'LABEL shade=dark',
  );
  const before = [await on.inspect(web), await on.inspect(on.name('side'))];
  const input = on.input([to(tag)]);
  const planned = await on.plan(input);
  expect(await host.docker('images', '--quiet', `${faulty}:${tag}`)).toBe('');
  expect([await on.inspect(web), await on.inspect(on.name('side'))]).toEqual(before);
  expect(await on.names()).toEqual([on.name('side'), web]);
  expect(on.jobs.list(10)).toEqual([]);
  expect(planned.refusal).toBeUndefined();
  expect(planned.containers).toMatchObject([
    { container: web, from: { tag: 'ok' }, to: { tag, digest: expect.stringMatching(/^sha256:/) } },
    { container: on.name('side'), because: `shares the network of ${web}`, changes: [] },
  ]);
  const [chosen] = planned.containers;
  expect(chosen?.order).toBe('stop-first');
  expect(chosen?.changes?.map(({ setting, to: after, by }) => [setting, after, by])).toEqual([
    ['Env COLOUR', 'green', 'image'],
    ['Healthcheck', '["CMD-SHELL","true"]', 'image'],
    ['Healthcheck Interval', '0.1s', 'image'],
    ['Labels shade', 'dark', 'image'],
    ['User', '7:7', 'image'],
  ]);

  const job = await on.ended(await on.begin(input));
  expect(job.state).toBe('DONE');
  expect(planned.steps.map(({ id }) => id)).toEqual(job.steps.map(({ id }) => id));
  expect(planned.containers.map(({ container, changes }) => ({ container, changes }))).toEqual(job.changes);
  expect(job.tasks).toMatchObject([{ from: chosen?.from, to: chosen?.to }]);
});

const REFUSED: readonly (readonly [string, () => Chosen, string[]])[] = [
  ['tag-not-found', () => to('no-such-tag'), []],
  ['wrong-platform', () => to('foreign'), []],
  ['start-first-forbidden', () => to('ok2', { update: 'start-first' }), ['--volume', '/data']],
  [
    'probe-unreachable',
    () => to('ok2', { probe: { ...PROBE, check: { kind: 'tcp', port: 80 } } }),
    ['--network', 'none'],
  ],
  ['same-version', () => to('ok'), []],
];
const PROBE = { intervalMs: 100, timeoutMs: 100, startPeriodMs: 0, retries: 1 };

test.each(REFUSED)(
  '%s: refused as the job would be, and nothing is pulled for it',
  async (code, chosen, words) => {
    await serve(...words);
    const planned = await on.plan(on.input([chosen()]));
    expect(planned).toMatchObject({ containers: [], steps: [], refusal: { code } });
    const job = await on.execute(chosen());
    expect(job).toMatchObject({ state: 'REFUSED', refusal: planned.refusal });
  },
);

test('while a job holds the server, that is the reason', async () => {
  await serve();
  const id = await on.begin(on.input([to('ok2', { settle: 600 })]));
  await on.reaches(id, `gate:${web}`);
  expect(await on.plan(on.input([to('ok2')]))).toMatchObject({
    refusal: { code: 'job-running', message: expect.stringContaining(id) },
  });
  await on.jobs.cancel(id, 'ben');
  expect(await on.ended(id)).toMatchObject({ state: 'CANCELLED' });
});

test('one that is not built yet is planned as far as it can be, and one that is not there yet as well', async () => {
  await serve();
  const build = { name: 'front', here: true };
  const input = on.input([to('', { kind: 'built', build }), { ...to('ok2'), container: on.name('new') }], {
    choices: [
      { container: web, choice: { mode: 'build-deploy', confirmed: true } },
      { container: on.name('new'), choice: { mode: 'image-tag', tag: 'ok2' } },
    ],
  });
  for (const spec of input.containers) if (spec.name === on.name('new')) spec.run = {};
  const planned = await on.plan(input);
  expect(planned.containers).toEqual([
    { container: web, unknown: 'the build front has not made its image yet' },
    { container: on.name('new'), to: { tag: 'ok2', digest: expect.any(String) } },
  ]);
  expect(planned.steps.map(({ id }) => id)).toContain(`stop-old:${web}`);
  expect(planned.steps.map(({ id }) => id)).not.toContain(`stop-old:${on.name('new')}`);
});
