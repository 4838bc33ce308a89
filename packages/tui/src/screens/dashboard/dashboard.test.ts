import { type Job, reduceJob } from '@towline/core/job';
import {
  type BatchEvent,
  type BatchProgress,
  beginBatch,
  buildPipeline,
  initialAgentView,
  planBatch,
  reduceBatch,
} from '@towline/core/plan';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineText, lineWidth } from '../../components/index.ts';
import { CONTEXTS, KEY_TABLE, type Key, NAMED_KEYS } from '../../keys/index.ts';
import { jobEvents } from '../gallery/job-script.ts';
import { SCENES } from '../gallery/scenes.ts';
import { someJob } from '../job/some-job.ts';
import { openMaps } from '../maps/index.ts';
import type { Size, World } from '../world.ts';
import { contextOf } from './context.ts';
import { farewell } from './farewell.ts';
import type { Effect, Message } from './message.ts';
import { initialModel, type Model } from './model.ts';
import { progressAfter } from './progress-after.ts';
import { subscriptionsOf } from './subscriptions.ts';
import { update } from './update.ts';
import { view } from './view.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const PLACE = { service: 'shop', map: 'demo' };

function worldOf(scene: string, size: Size = { columns: 80, rows: 24 }): World {
  const made = SCENES[scene]?.();
  if (made === undefined) throw new Error(`no scene ${scene}`);
  const service = made.state.services.find(({ name }) => name === PLACE.service);
  const map = service?.maps.find(({ name }) => name === PLACE.map);
  return {
    now: NOW,
    size,
    fleet: made.state,
    origin: made.origin,
    readOnly: made.readOnly,
    operator: 'ada',
    pipeline:
      service === undefined || map === undefined
        ? undefined
        : buildPipeline({ service, map, agents: made.state.agents, readOnly: made.readOnly }),
  };
}

function start(world: World): Model {
  const model = update(initialModel(PLACE), { type: 'world' }, world).model;
  return world.pipeline === undefined
    ? { ...model, place: undefined, over: [{ type: 'maps', state: openMaps(world) }] }
    : model;
}

/** Keys as the table names them, apart by blanks. */
function press(model: Model, keys: string, world: World): { model: Model; effects: Effect[] } {
  const effects: Effect[] = [];
  let current = model;
  for (const key of keys.split(' ')) {
    const next = update(current, { type: 'key', key }, world);
    current = next.model;
    effects.push(...next.effects);
  }
  return { model: current, effects };
}

function screen(model: Model, world: World): string {
  return view(model, world).lines.map(lineText).join('\n');
}

const key: fc.Arbitrary<Key> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...KEY_TABLE.flatMap((binding) => binding.keys)) },
  fc.constantFrom(...NAMED_KEYS),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
);
const events = jobEvents({
  id: 'job-1',
  server: 'web',
  tasks: [{ container: 'gateway', from: '1.0.0', to: '1.1.0' }],
  outcome: 'DEGRADED',
  start: NOW,
});
/** Of an execution of one server, at all its ends. */
const PROGRESS = progressOfOne();
const message: fc.Arbitrary<Message> = fc.oneof(
  { weight: 12, arbitrary: key.map((pressed): Message => ({ type: 'key', key: pressed })) },
  fc.string({ unit: 'grapheme' }).map((text): Message => ({ type: 'paste', text })),
  fc.constant<Message>({ type: 'world' }),
  fc
    .nat(events.length)
    .map((count): Message => ({ type: 'job-events', id: 'job-running', events: events.slice(0, count) })),
  fc.constantFrom<Message>(
    {
      type: 'versions',
      agent: 'alpha',
      image: 'registry.example.com:5000/shop/gateway',
      result: {
        ok: true,
        value: { versions: [{ tag: '1.1.0', digest: 'sha256:ab' }, { tag: '漢字' }], total: 9 },
      },
    },
    {
      type: 'versions',
      agent: 'alpha',
      image: 'registry.example.com:5000/shop/gateway',
      result: {
        ok: false,
        error: { code: 'registry-unavailable', message: 'It does not answer. '.repeat(20) },
      },
    },
    {
      type: 'images',
      agent: 'alpha',
      service: 'shop',
      build: 'storefront',
      result: { ok: true, value: { runs: [], more: true } },
    },
    {
      type: 'commits',
      to: '1.4.0.B000005',
      result: {
        ok: true,
        value: {
          direction: 'diverged',
          commits: Array.from({ length: 30 }, (_, at) => ({
            commit: `${at}`.repeat(20),
            subject: '漢字 and more '.repeat(at),
            author: 'Ada'.repeat(at),
            date: '2026-11-20',
          })),
          more: true,
        },
      },
    },
    {
      type: 'map-reloaded',
      agent: 'alpha',
      service: 'shop',
      build: 'storefront',
      result: { ok: true, value: undefined },
    },
    {
      type: 'map-saved',
      agent: 'alpha',
      service: 'shop',
      build: 'storefront',
      result: { ok: false, error: { code: 'map-file-changed', message: 'It was changed.' } },
    },
    {
      type: 'edit-loaded',
      agent: 'alpha',
      service: 'shop',
      build: 'storefront',
      runs: { ok: true, value: { runs: [], more: false, everRun: 3 } },
      secrets: { ok: false, error: { code: 'internal', message: 'no' } },
    },
    ...(['download', 'build', 'create-image'] as const).flatMap((step): Message[] => [
      {
        type: 'build-log-entries',
        from: { agent: 'alpha', run: 'run-shop-storefront-6', step, attempt: 1 },
        entries: Array.from({ length: 60 }, (_, at) => ({
          seq: 1_000 + at,
          text: `\u001b[${30 + (at % 8)};4${at % 8}m${at} 漢字\t\u001b[2K`.repeat(at * 4),
          ...(at % 7 === 0 && { bytes: 200_000 }),
        })),
      },
      {
        type: 'build-log-part',
        from: { agent: 'alpha', run: 'run-shop-storefront-6', step, attempt: 1 },
        asked: { kind: 'part', seq: 1_049, at: 65_536, until: 98_304 },
        result: { ok: true, value: { text: '漢 '.repeat(8_000), from: 65_536, next: 97_536 } },
      },
      {
        type: 'build-log-page',
        from: { agent: 'alpha', run: 'run-shop-storefront-6', step, attempt: 1 },
        result: { ok: true, value: { entries: [{ seq: 500, text: 'one' }], lines: 1_060 } },
      },
    ]),
    { type: 'sought', count: 1, found: { seq: 1_020 }, failure: undefined },
    { type: 'sought', count: 1, found: undefined, failure: undefined },
    {
      type: 'build-started',
      agent: 'alpha',
      service: 'shop',
      build: 'storefront',
      result: { ok: true, value: { runId: 'run-shop-storefront-7', number: 7, tag: '7', repeated: false } },
    },
    ...PROGRESS.map((progress): Message => ({ type: 'progress', execution: 1, progress })),
    { type: 'progress-lost', message: 'The agent answers, and knows no such job. '.repeat(9) },
    { type: 'build-failed', id: 'run-shop-storefront-7', message: 'It is gone. '.repeat(30) },
    { type: 'jobs', agent: 'alpha', result: { ok: false, error: { code: 'internal', message: 'no' } } },
    {
      type: 'log-lines',
      from: { agent: 'alpha', container: 'gateway', attempt: 1 },
      lines: Array.from({ length: 30 }, (_, at) => ({
        at: '',
        stream: 'stdout' as const,
        line: `${at} `.repeat(at * 4),
      })),
    },
  ),
);
const size: fc.Arbitrary<Size> = fc.record({
  columns: fc.oneof(fc.integer({ min: 80, max: 200 }), fc.integer({ min: 1, max: 80 })),
  rows: fc.oneof(fc.integer({ min: 24, max: 60 }), fc.integer({ min: 1, max: 24 })),
});

test.each(Object.keys(SCENES))('whatever comes to %s, the screen is full and no fuller', (scene) => {
  const whole = worldOf(scene);
  fc.assert(
    fc.property(fc.array(fc.tuple(message, size), { maxLength: 40 }), (steps) => {
      let model = start(whole);
      for (const [next, at] of steps) {
        const world = { ...whole, size: at };
        model = update(model, next, world).model;
        expect(CONTEXTS).toContain(contextOf(model));
        subscriptionsOf(model, world);
        const frame = view(model, world);
        expect(frame.lines.length).toBe(at.rows);
        for (const line of frame.lines) expect(lineWidth(line)).toBe(at.columns);
        if (frame.cursor !== undefined) {
          expect(frame.cursor.x).toBeLessThan(at.columns);
          expect(frame.cursor.y).toBeLessThan(at.rows);
        }
      }
    }),
    { numRuns: scene === 'many' ? 10 : 60 },
  );
});

test('a tag that is typed arms its task, and Execute asks before it sends', () => {
  const world = worldOf('demo');
  const armed = press(start(world), 't 1 . 1 . 0 enter', world);
  expect(screen(armed.model, world)).toMatch(/gateway .* 1\.0\.0 +◆ armed .*1\.1\.0/);
  expect(screen(armed.model, world)).toContain('Batch Execute (1 task on 1 server)');
  const asked = press(armed.model, 'x', world);
  expect(asked.effects).toEqual([]);
  expect(screen(asked.model, world)).toContain('[ Execute ]');
  const sent = press(asked.model, 'enter', world);
  expect(sent.effects).toMatchObject([{ type: 'execute', execution: 1, plans: [{ server: 'web' }] }]);
  // Pressed again before the agent has answered, it is not sent again.
  const again = press(sent.model, 'x', world);
  expect(again.effects).toEqual([]);
  expect(screen(again.model, world)).toContain('is on its way');
});

test('Batch Execute shows its plan, and Enter there cancels', () => {
  const world = worldOf('demo');
  const armed = press(start(world), 't 1 . 1 . 0 enter G t 7 . 4 . 0 enter b', world);
  expect(screen(armed.model, world)).toContain('Batch Execute: 2 tasks on 2 servers');
  expect(screen(armed.model, world)).toContain('[ Cancel ]');
  expect(screen(armed.model, world)).toContain('Nothing is chosen for 1 other container.');
  expect(screen(armed.model, world)).toContain('Enter Cancel');
  // What was chosen and can't be is named, with its reason.
  const refused = press(start(world), 't 1 . 1 . 0 enter j t 2 . 0 . 0 enter b', world);
  expect(screen(refused.model, world)).toMatch(/web\/storefront +storefront runs 2\.0\.0 already/);
  const cancelled = press(armed.model, 'enter', world);
  expect(cancelled.effects).toEqual([]);
  expect(cancelled.model.over).toEqual([]);
  const executed = press(armed.model, 'tab enter', world);
  expect(executed.effects).toMatchObject([
    {
      type: 'execute',
      service: 'shop',
      map: { name: 'demo' },
      plans: [{ server: 'web' }, { server: 'cache' }],
    },
  ]);
  expect(contextOf(executed.model)).toBe('batch');
});

test('a choice is taken back when its job is done, and kept when it failed', () => {
  const world = worldOf('demo');
  const armed = press(start(world), 't 1 . 1 . 0 enter x enter', world);
  const answered = { type: 'deploy-begun', server: 'web', jobId: 'j1' } as const;
  const started = update(armed.model, progressAfter(armed.effects, answered), world).model;
  expect(subscriptionsOf(started, world)).toEqual([{ type: 'job', agent: 'alpha', id: 'j1' }]);
  const ended = (state: 'DONE' | 'RESTORED') => {
    const mixed = SCENES.mixed?.().state.agents.alpha?.jobs['job-before'];
    if (mixed === undefined) throw new Error('the scenes are others');
    const end = { type: 'job', server: 'web', job: { ...mixed, id: 'j1', state } } as const;
    return update(started, progressAfter(armed.effects, answered, end), world).model.pipeline.choices.size;
  };
  expect(ended('DONE')).toBe(0);
  expect(ended('RESTORED')).toBe(1);
});

test('whose job another operator cancelled is told by whom', () => {
  const world = worldOf('demo');
  const armed = press(start(world), 't 1 . 1 . 0 enter x enter', world);
  const answered = { type: 'deploy-begun', server: 'web', jobId: 'j1' } as const;
  const started = update(armed.model, progressAfter(armed.effects, answered), world).model;
  const away = press(started, 'esc', world).model;
  const job = someJob({ id: 'j1', server: 'web', state: 'CANCELLED', cancelledBy: 'ben' });
  const told = update(
    away,
    progressAfter(armed.effects, answered, { type: 'job', server: 'web', job }),
    world,
  );
  expect(screen(told.model, world)).toContain('web: CANCELLED, cancelled by ben. Press o to see the job.');
});

test.each([
  ['read-only', 'x', 'This connection is read-only.'],
  ['read-only', 'b', 'This connection is read-only.'],
  ['read-only', 't', 'This connection is read-only.'],
  ['read-only', 'enter', 'This connection is read-only.'],
  ['viewer', 'x', 'Your token "board" is a viewer\'s on alpha'],
  ['viewer', 't', 'Your token "board" is a viewer\'s on alpha'],
  ['viewer', 'enter', 'Your token "board" is a viewer\'s on alpha'],
  ['viewer', 'B', 'Your token "board" is a viewer\'s on alpha'],
  ['viewer', 'b', 'Nothing is armed.'],
  ['demo', 'x', 'Type a tag or pick one for gateway.'],
  ['demo', 'b', 'Nothing is armed.'],
  ['demo', 'm', 'Image Tag is its only mode'],
  ['demo', 'o', 'No job has run on web yet.'],
  ['demo', 'g l', 'A server has no log of its own.'],
  ['demo', 'g t', 'A server has no tag of its own.'],
  ['demo', 't 1 . 0 . 0 enter x', 'gateway runs 1.0.0 already'],
  ['demo', 't - b a d enter b', '"-bad" is no tag'],
  ['demo', 't - b a d enter x', '"-bad" is no tag'],
])('in %s, %s says why it does nothing', (scene, keys, reason) => {
  const world = worldOf(scene);
  const { model, effects } = press(start(world), keys, world);
  expect(effects).toEqual([]);
  expect(screen(model, world)).toContain(reason);
});

test('a viewer on one agent deploys on another, and the title says where it may not', () => {
  const world = worldOf('viewer', { columns: 120, rows: 24 });
  expect(screen(start(world), world)).toContain('viewer on alpha');
  const armed = press(start(world), 'G t 7 . 4 . 0 enter', world);
  expect(contextOf(press(armed.model, 'b', world).model)).toBe('plan');
});

test('a viewer looks at the versions, and chooses none', () => {
  const world = worldOf('viewer', { columns: 80, rows: 24 });
  const opened = press(start(world), 'v', world);
  const [asked] = opened.effects.filter(({ type }) => type === 'load-versions');
  if (asked?.type !== 'load-versions') throw new Error('no versions were asked for');
  const answer = { versions: [{ tag: '1.1.0' }], total: 1 };
  const arrived = update(
    opened.model,
    { ...asked, type: 'versions', result: { ok: true, value: answer } },
    world,
  ).model;
  expect(screen(arrived, world)).toMatch(/none can be chosen by a viewer.*\n(.*\n)*\(Enter Choose\)/);
  const pressed = press(arrived, 'enter', world);
  expect(contextOf(pressed.model)).toBe('versions');
  expect(pressed.model.pipeline.choices.size).toBe(0);
});

/** A world in which a job runs on web, with so many of its events seen. */
function running(count: number): { world: World; model: Model } {
  const world = worldOf('demo');
  const seen = jobEvents({
    id: 'job-1',
    server: 'web',
    tasks: [{ container: 'gateway', from: '1.0.0', to: '1.1.0' }],
    outcome: 'DONE',
    start: NOW - 20_500,
  }).slice(0, count);
  const job = seen.reduce<Job | undefined>(reduceJob, undefined);
  if (job === undefined) throw new Error('no job');
  return { world: changeAlpha(world, { jobs: { [job.id]: job } }), model: start(world) };
}

function changeAlpha(world: World, change: Partial<World['fleet']['agents'][string]>): World {
  const { alpha } = world.fleet.agents;
  const { pipeline } = world;
  if (alpha === undefined || pipeline === undefined) throw new Error('the scenes are others');
  const agents = { ...world.fleet.agents, alpha: { ...alpha, ...change } };
  const service = world.fleet.services.find(({ name }) => name === PLACE.service);
  const map = service?.maps.find(({ name }) => name === PLACE.map);
  if (service === undefined || map === undefined) throw new Error('the scenes are others');
  return {
    ...world,
    fleet: { ...world.fleet, agents },
    pipeline: buildPipeline({ service, map, agents, readOnly: world.readOnly }),
  };
}

const AT_THE_CHECK = jobEvents({
  id: 'job-1',
  server: 'web',
  tasks: [{ container: 'gateway', to: '1.1.0' }],
  outcome: 'DONE',
  start: NOW,
}).findIndex((event) => event.type === 'step-started' && event.kind === 'gate');

test('a job whose agent is gone says since when, and its clock stands still', () => {
  const { world, model } = running(AT_THE_CHECK + 1);
  const opened = press(model, 'o', world).model;
  expect(screen(opened, world)).toContain('◐ RUNNING   20 s');
  const lost = changeAlpha(world, {
    link: { state: 'lost', message: 'nothing listens there', lastSeenAt: new Date(NOW).toISOString() },
  });
  for (const later of [12_000, 40_000]) {
    const world = { ...lost, now: NOW + later };
    const shown = screen(update(opened, { type: 'world' }, world).model, world);
    expect(shown).toContain(`✗ The link to alpha is lost, last seen ${later / 1000} s ago.`);
    expect(shown).toContain('nothing listens there');
    expect(shown).toContain('◐ RUNNING   20 s');
    expect(shown).toContain('(c Cancel job)');
    const asked = press(opened, 'c', world);
    expect(contextOf(asked.model)).toBe('job');
    expect(screen(asked.model, world)).toContain("Cancelling needs alpha, and it can't be reached.");
  }
});

test('a batch says which of its servers nobody sees any more, and their clocks stand still', () => {
  const { world } = running(AT_THE_CHECK + 1);
  const fresh = worldOf('demo');
  const sent = press(start(fresh), 't 1 . 1 . 0 enter b tab enter', fresh);
  const job = world.fleet.agents.alpha?.jobs['job-1'];
  if (job === undefined) throw new Error('no job');
  const begun = update(
    sent.model,
    progressAfter(sent.effects, { type: 'job', server: 'web', job }),
    world,
  ).model;
  expect(contextOf(begun)).toBe('batch');
  expect(screen(begun, world)).toMatch(/check the new container +8\/10 +20 s/);
  const lost = changeAlpha(
    { ...world, now: NOW + 30_000 },
    { link: { state: 'lost', message: 'nothing listens there', lastSeenAt: new Date(NOW).toISOString() } },
  );
  const shown = screen(update(begun, { type: 'world' }, lost).model, lost);
  expect(shown).toContain('The link to alpha is lost, last seen 30 s ago.');
  expect(shown).toMatch(/check the new container +8\/10 +20 s/);
});

test('the check of a new container says what it waits for, and how it stands', () => {
  const { world, model } = running(AT_THE_CHECK + 1);
  const shown = (now: World) => screen(press(model, 'o', now).model, now).replace(/\s+/g, ' ');
  const rule = 'asks GET :8080/health every 1 s; 3 failures in a row are too many, after its first 30 s';
  expect(shown(world)).toContain(rule);
  const job = world.fleet.agents.alpha?.jobs['job-1'];
  if (job === undefined) throw new Error('no job');
  const asked = reduceJob(job, {
    type: 'step-progress',
    step: 'gate:gateway',
    current: 40,
    detail: 'last: 503, 2 of 3 failures',
    seq: job.lastSeq + 1,
    at: new Date(NOW).toISOString(),
  });
  expect(shown(changeAlpha(world, { jobs: { 'job-1': asked } }))).toContain(
    `${rule}; last: 503, 2 of 3 failures`,
  );
});

test.each<[Partial<Job>, string]>([
  [{ state: 'DONE' }, 'The job on web has ended meanwhile: DONE.'],
  [{ cancelledBy: 'ben' }, 'ben has cancelled the job on web meanwhile.'],
])('the question whether to cancel a job goes with %j', (change, words) => {
  const { world, model } = running(AT_THE_CHECK + 1);
  const asked = press(model, 'o c', world).model;
  expect(contextOf(asked)).toBe('confirm');
  const job = world.fleet.agents.alpha?.jobs['job-1'];
  if (job === undefined) throw new Error('no job');
  const then = changeAlpha(world, { jobs: { 'job-1': { ...job, ...change } } });
  const after = update(asked, { type: 'world' }, then).model;
  expect(contextOf(after)).toBe('job');
  expect(screen(after, then)).toContain(words);
});

test('B restores a degraded server, once it is confirmed, and shows the job of it', () => {
  const whole = worldOf('demo');
  expect(screen(press(start(whole), 'B', whole).model, whole)).toContain(
    'web is not degraded: there is nothing to restore.',
  );
  const { alpha } = whole.fleet.agents;
  if (alpha === undefined || whole.pipeline === undefined) throw new Error('the scene is another');
  const containers = Object.fromEntries(
    Object.entries(alpha.containers).filter(([name]) => name !== 'gateway'),
  );
  const agents = { ...whole.fleet.agents, alpha: { ...alpha, containers, degraded: ['shop/demo/web'] } };
  const [map] = whole.fleet.services[0]?.maps ?? [];
  const [service] = whole.fleet.services;
  if (map === undefined || service === undefined) throw new Error('the scene is another');
  const world: World = {
    ...whole,
    fleet: { ...whole.fleet, agents },
    pipeline: buildPipeline({ service, map, agents, readOnly: false }),
  };
  const shown = start(world);
  expect(screen(shown, world)).toContain('B Restore');
  const asked = press(shown, 'B', world);
  expect(asked.effects).toEqual([]);
  expect(screen(asked.model, world)).toContain('Restore web?');
  const sent = press(asked.model, 'y', world);
  expect(sent.effects).toEqual([{ type: 'restore-server', service: 'shop', map: 'demo', server: 'web' }]);
  const begun = update(
    sent.model,
    {
      type: 'restore-begun',
      agent: 'alpha',
      server: 'web',
      result: { ok: true, value: { jobId: 'job-restore', repeated: false } },
    },
    world,
  );
  expect(begun.model.over).toMatchObject([{ type: 'job', state: { agent: 'alpha', id: 'job-restore' } }]);
  expect(screen(press(shown, 'B', { ...world, readOnly: true }).model, world)).toContain('read-only');
});

test('a tag that is typed takes the place of the one that was chosen before', () => {
  const world = worldOf('demo');
  const chosen = press(start(world), 't 9 . 9 enter t', world).model;
  expect(screen(chosen, world)).toContain('Typing takes the place of what is there');
  const again = press(chosen, '1 . 1 enter', world).model;
  expect([...again.pipeline.choices.values()]).toEqual([{ mode: 'image-tag', tag: '1.1' }]);
  // A move is for changing what is there.
  const changed = press(chosen, 'left 1 enter', world).model;
  expect([...changed.pipeline.choices.values()]).toEqual([{ mode: 'image-tag', tag: '9.19' }]);
  const kept = press(chosen, 'enter', world).model;
  expect([...kept.pipeline.choices.values()]).toEqual([{ mode: 'image-tag', tag: '9.9' }]);
});

test('of a machine that is away a row says which and why, and its info where', () => {
  const hop = 'deploy@db-1 (10.20.30.40:2222, through gate)';
  const link = {
    state: 'lost',
    message: `${hop}: nobody listens on its port.`,
    lastSeenAt: new Date(NOW - 14_000).toISOString(),
  } as const;
  const world = changeAlpha(worldOf('demo'), { link });
  expect(screen(start(world), world)).toMatch(
    /✗ Unreachable +web on alpha +deploy@db-1: nobody.* last seen 14 s/,
  );
  expect(screen(press(start(world), 'i', world).model, world)).toContain(hop);
});

test('i shows all of a row, its reason uncut, and so does Enter on a server without a job', () => {
  const world = worldOf('demo');
  const message = `ssh to deploy@alpha: ${'the host does not answer '.repeat(8)}check its name.`;
  const lost = changeAlpha(world, { known: false, link: { state: 'lost', message } });
  for (const keys of ['i', 'g enter']) {
    const { model } = press(start(lost), keys, lost);
    expect(contextOf(model)).toBe('details');
    expect(screen(model, lost).replace(/[│\s]+/g, ' ')).toMatch(
      / why ssh to .* check its name\. (container|Execute) /,
    );
    expect(contextOf(press(model, 'esc', lost).model)).toBe('pipeline');
  }
  // The jobs of an agent that was never reached are not known to be none.
  expect(screen(press(start(lost), 'o', lost).model, lost)).toContain('The jobs of web are not known');
});

test('the row of a server counts the steps of its job, its tasks say which one runs', () => {
  const { world, model } = running(AT_THE_CHECK + 1);
  const shown = screen(model, world);
  expect(shown).toContain('◐ RUNNING 8/10');
  expect(shown).toMatch(/gateway .*◐ check/);
  expect(shown.match(/\d\/\d/g)).toEqual(['8/1']);
});

test('who leaves while a job runs is told where to see it again, and nothing once it has ended', () => {
  const { world, model } = running(AT_THE_CHECK + 1);
  const job = world.fleet.agents.alpha?.jobs['job-1'];
  if (job === undefined) throw new Error('no job');
  const sent = press(start(worldOf('demo')), 't 1 . 1 . 0 enter x enter', worldOf('demo'));
  const answered = { type: 'deploy-begun', server: 'web', jobId: 'job-1' } as const;
  const begun = update(sent.model, progressAfter(sent.effects, answered), world).model;
  expect(farewell(begun, world)).toEqual(['job job-1 goes on on web; towline job job-1 --follow shows it']);
  const ended = changeAlpha(world, { jobs: { 'job-1': { ...job, state: 'DONE' } } });
  expect(farewell(update(begun, { type: 'world' }, ended).model, ended)).toEqual([]);
  expect(farewell(model, world)).toEqual([]);
});

test('the footer shows the keys of the row, and Info and Quit at the least size too', () => {
  const world = worldOf('demo');
  const keys = (model: Model) => screen(model, world).split('\n').at(-1) ?? '';
  const task = keys(start(world));
  for (const text of [
    '(x Execute)',
    '(b Batch Execute)',
    ' v Versions ',
    ' i Info ',
    ' q Quit ',
    ' ? Help ',
  ]) {
    expect(task).toContain(text);
  }
  expect(task).not.toContain('Mode');
  expect(keys(press(start(world), 'g', world).model)).not.toContain('Versions');
});

test('the signs that help explains are those of the table and its footer', () => {
  const world = worldOf('mixed');
  const { model } = press(start(world), 't 1 . 1 . 0 enter j', world);
  const shown = screen(model, world);
  const explained = screen(press(model, '? G', world).model, world);
  for (const [sign, seen] of [
    ['◆ armed', / ◆ armed /],
    ['·', / · *$/m],
    ['–', / – /],
    ['?', / running\? /],
    ['(…)', /\(x Execute\)/],
  ] as const) {
    expect(shown).toMatch(seen);
    expect(explained).toContain(`│  ${sign.padEnd(16)}`);
  }
});

test('help stays as wide as it is while one scrolls', () => {
  const world = worldOf('demo', { columns: 140, rows: 40 });
  const top = (keys: string) => screen(press(start(world), keys, world).model, world).match(/╭.*╮/)?.[0];
  expect(top('? G')).toBe(top('?'));
});

test('a filter shows what matches, and Esc brings the rest back', () => {
  const world = worldOf('demo');
  const filtered = press(start(world), '/ c a c h enter', world);
  expect(screen(filtered.model, world)).not.toContain('storefront');
  const all = press(filtered.model, 'esc', world);
  expect(screen(all.model, world)).toContain('storefront');
});

test('who leaves with tasks armed is told first, and so is who shows another map', () => {
  const demo = worldOf('demo');
  const services = demo.fleet.services.map((service) => ({
    ...service,
    maps: [...service.maps, { name: 'staging', servers: [] }],
  }));
  const world = { ...demo, fleet: { ...demo.fleet, services } };
  const armed = press(start(world), 't 2 . 0 enter', world).model;
  expect(screen(armed, world)).toContain('◆ armed');
  const leaving = press(armed, 'q', world);
  expect(leaving.effects).toEqual([]);
  expect(screen(leaving.model, world)).toContain('Leave without executing?');
  expect(screen(press(leaving.model, 'enter', world).model, world)).toContain('◆ armed');
  expect(press(leaving.model, 'tab enter', world).effects).toEqual([{ type: 'quit', code: 0 }]);
  const other = press(armed, 's j enter', world).model;
  expect(screen(other, world)).toContain('Show another map?');
  expect(press(other, 'enter', world).model.place).toEqual(armed.place);
  expect(press(other, 'tab enter', world).model.place).not.toEqual(armed.place);
  // What is cleared is nothing to lose.
  expect(press(armed, 'backspace q', world).effects).toEqual([{ type: 'quit', code: 0 }]);
});

test('a paste is text in a field, and presses nothing elsewhere', () => {
  const world = worldOf('demo');
  const lost = update(start(world), { type: 'paste', text: 'xb\nq' }, world);
  expect(lost.effects).toEqual([]);
  expect(contextOf(lost.model)).toBe('pipeline');
  const field = press(start(world), 't', world).model;
  const pasted = update(field, { type: 'paste', text: '1.1.0\n' }, world).model;
  expect(contextOf(pasted)).toBe('field');
  expect(screen(press(pasted, 'enter', world).model, world)).toContain('◆ armed');
});

test('where there is no map, that is said, and q leaves', () => {
  const world = worldOf('empty');
  expect(screen(start(world), world)).toContain('There is no application map here.');
  expect(press(start(world), 'q', world).effects).toEqual([{ type: 'quit', code: 0 }]);
  // Without a map file it would come from the local engine.
  const message = 'no engine listens on /var/run/docker.sock';
  const local = { ...initialAgentView('local'), link: { state: 'lost' as const, message } };
  const away = { ...world, fleet: { ...world.fleet, agents: { local } } };
  expect(screen(start(away), away)).toContain(message);
});

test('the titles of the maps stand over their columns', () => {
  const world = worldOf('demo');
  const lines = screen(press(start(world), 's', world).model, world).split('\n');
  const titles = lines.find((text) => text.includes('SERVICE')) ?? '';
  const row = lines.find((text) => text.includes('shown now')) ?? '';
  expect(row.indexOf('demo')).toBe(titles.indexOf('MAP'));
  expect(row.indexOf('2 servers')).toBe(titles.indexOf('SERVERS'));
  expect(titles).toMatch(/SERVICE {3,}MAP {3,}SERVERS/);
});

test('too small a screen says what it has to be, and takes no key but those that leave', () => {
  const small = worldOf('demo', { columns: 60, rows: 20 });
  expect(screen(start(small), small)).toContain('Towline needs 80×24.');
  expect(press(start(small), 't 1 x enter', small).model.pipeline.editing).toBeUndefined();
  expect(press(start(small), 'q', small).effects).toEqual([{ type: 'quit', code: 0 }]);
});

function progressOfOne(): BatchProgress[] {
  const { pipeline } = worldOf('builds');
  const confirmed = { mode: 'build-deploy', confirmed: true } as const;
  const plan = pipeline && planBatch(pipeline, new Map([['web/storefront', confirmed]]));
  const begun = beginBatch(plan?.servers ?? [], pipeline?.builds ?? {});
  const failure = { code: 'internal', message: 'It is gone, 漢字. '.repeat(30) };
  const [build, server] = ['storefront', 'web'];
  const job = SCENES.mixed?.().state.agents.alpha?.jobs['job-before'];
  const told: BatchEvent[][] = [
    [],
    [{ type: 'build-refused', build, failure }],
    [{ type: 'build-begun', build, begun: { id: 'run-shop-storefront-7', tag: '1.4.0.B000007' } }],
    [{ type: 'deploy-refused', server, failure }],
    [{ type: 'deploy-begun', server, jobId: 'job-running' }],
    job === undefined ? [] : [{ type: 'job', server, job }],
  ];
  return told.map((events) => events.reduce(reduceBatch, begun));
}
