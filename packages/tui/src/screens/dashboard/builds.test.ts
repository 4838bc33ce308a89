import { type BuildEvent, type BuildRun, buildKey, reduceBuildRun } from '@towline/core/build';
import { type Job, type JobEvent, type JobEventBody, reduceJob } from '@towline/core/job';
import { type BatchEvent, buildPipeline } from '@towline/core/plan';
import { BUILDS_CAPABILITY } from '@towline/core/protocol';
import { expect, test } from 'vitest';
import { lineText } from '../../components/index.ts';
import { type RunScript, runEvents, runId } from '../gallery/build-script.ts';
import { waitingBodies } from '../gallery/job-script.ts';
import { SCENES, viewedBy } from '../gallery/scenes.ts';
import type { World } from '../world.ts';
import { contextOf } from './context.ts';
import { farewell } from './farewell.ts';
import type { Effect, Message } from './message.ts';
import { initialModel, type Model } from './model.ts';
import { progressAfter } from './progress-after.ts';
import { subscriptionsOf } from './subscriptions.ts';
import { update } from './update.ts';
import { view } from './view.ts';

const PLACE = { service: 'shop', map: 'demo' };

function worldOf(scene: string, change: Partial<World> = {}): World {
  const made = SCENES[scene]?.();
  if (made === undefined) throw new Error(`no scene ${scene}`);
  const fleet = change.fleet ?? made.state;
  const readOnly = change.readOnly ?? false;
  const service = fleet.services.find(({ name }) => name === PLACE.service);
  const map = service?.maps.find(({ name }) => name === PLACE.map);
  if (service === undefined || map === undefined) throw new Error('the scenes are others');
  return {
    now: Date.now(),
    size: { columns: 140, rows: 40 },
    origin: 'towline.yaml',
    operator: 'ada',
    ...change,
    fleet,
    readOnly,
    pipeline: buildPipeline({ service, map, agents: fleet.agents, readOnly }),
  };
}

/** As `builds`, of agents whose jobs do not wait for a build. */
function oldWorld(): World {
  const { fleet } = worldOf('builds');
  const agents = Object.fromEntries(
    Object.entries(fleet.agents).map(([name, view]) => {
      const hello = view.hello && { ...view.hello, capabilities: [BUILDS_CAPABILITY] };
      return [name, { ...view, ...(hello !== undefined && { hello }) }];
    }),
  );
  return worldOf('builds', { fleet: { ...fleet, agents } });
}

interface Shown {
  model: Model;
  effects: readonly Effect[];
}

function start(world: World): Shown {
  return update(initialModel(PLACE), { type: 'world' }, world);
}

/** Keys as the table names them, apart by blanks. The effects are all that came since. */
function press({ model }: Shown, keys: string, world: World): Shown {
  return tell(
    { model, effects: [] },
    world,
    ...keys.split(' ').map((key): Message => ({ type: 'key', key })),
  );
}

function tell(shown: Shown, world: World, ...messages: Message[]): Shown {
  return messages.reduce<Shown>((so, message) => {
    const next = update(so.model, message, world);
    return { model: next.model, effects: [...so.effects, ...next.effects] };
  }, shown);
}

function screen({ model }: Shown, world: World): string {
  return view(model, world).lines.map(lineText).join('\n');
}

function row(shown: Shown, world: World, name: string): string {
  return (
    screen(shown, world)
      .split('\n')
      .find((text) => new RegExp(`^▸? +${name} `).test(text)) ?? ''
  );
}

test('Designated is preset to what is deployed, and Latest shows what it resolves to', () => {
  const world = worldOf('builds');
  const at = press(start(world), 'j', world);
  expect(row(at, world, 'storefront')).toMatch(
    /1\.4\.0\.B000006 +✗ ERROR 3\/4 +1\.4\.0\.B000003 +running +Designated +1\.4\.0\.B000003/,
  );
  expect(screen(at, world)).toContain('runs 1.4.0.B000003 already');
  const latest = press(at, 'm', world);
  expect(row(latest, world, 'storefront')).toMatch(
    /✗ ERROR 3\/4 .*running +◆ armed +Latest +1\.4\.0\.B000005/,
  );
  expect(screen(latest, world)).toContain('Execute: storefront 1.4.0.B000003 → 1.4.0.B000005');
});

test('at 80 columns a built row names its mode whole, and its footer has the keys of that mode', () => {
  const world = { ...worldOf('builds'), size: { columns: 80, rows: 24 } };
  const foot = (shown: Shown) => screen(shown, world).split('\n').at(-1);
  const designated = press(start(world), 'j', world);
  expect(row(designated, world, 'storefront')).toMatch(/ Designated +1\.4/);
  expect(foot(designated)).toContain(' t Tag ');
  const latest = press(designated, 'm', world);
  expect(foot(latest)).not.toContain('Tag');
  const build = press(latest, 'm', world);
  expect(foot(build)).toContain(' Space Confirm ');
  const armed = press(build, 'space', world);
  expect(foot(armed)).toMatch(/Batch Execute \(1 task on 1 server\) .* Space Confirm /);
});

test('a map file that has changed since it was read is said to have, and one key reads it', () => {
  const { fleet } = worldOf('builds');
  const size = { columns: 80, rows: 24 };
  const before = { ...worldOf('builds'), size };
  expect(screen(start(before), before)).not.toMatch(/changed since|Reload/);
  const changed = { ...worldOf('builds', { fleet: { ...fleet, mapChanged: true } }), size };
  const shown = press(start(changed), 'j m m', changed);
  expect(screen(shown, changed)).toContain('changed since it was read: towline.yaml');
  expect(screen(shown, changed)).toContain(' R Reload map ');
  const asked = press(shown, 'R', changed);
  expect(asked.effects).toEqual([{ type: 'reread-map' }]);
  const read = tell(asked, before, { type: 'map-reread', result: { ok: true, value: undefined } });
  expect(screen(read, before)).toContain('The map file is read again.');
  const error = { code: 'other-agents', message: 'It names other agents.' };
  const failed = tell(asked, changed, { type: 'map-reread', result: { ok: false, error } });
  expect(screen(failed, changed)).toContain('It names other agents.');
});

test('an agent that is away is tried again by a key, which its rows alone show', () => {
  const near = worldOf('builds');
  expect(screen(start(near), near)).not.toContain('Try again');
  const none = press(start(near), 'r', near);
  expect(none.effects).toEqual([]);
  expect(screen(none, near)).toContain('Every agent is connected');
  const { alpha } = near.fleet.agents;
  if (alpha === undefined) throw new Error('no alpha');
  const link = { state: 'lost', message: 'nobody listens' } as const;
  const fleet = { ...near.fleet, agents: { ...near.fleet.agents, alpha: { ...alpha, link } } };
  const away = worldOf('builds', { fleet });
  expect(screen(start(away), away)).toContain(' r Try again ');
  const info = screen(press(start(away), 'i', away), away);
  expect(info.replace(/[│\s]+/g, ' ')).toContain(
    'link alpha has not been reached yet. r tries it again now; `towline agents` prints why in one line',
  );
  expect(info).toMatch(/Execute +Nothing runs until alpha can be used\./);
  for (const keys of ['r', 'i r']) {
    const asked = press(start(away), keys, away);
    expect(asked.effects).toEqual([{ type: 'retry-agents' }]);
    expect(screen(asked, away)).toContain('Trying alpha again.');
  }
  // What the agent is asked for leaves its room to what says why it is away.
  const narrow = { ...away, size: { columns: 80, rows: 24 } };
  const foot = screen(start(narrow), narrow).split('\n').at(-1);
  expect(foot).toMatch(/ r Try again .* i Info /);
});

test('the info of a built row says its mode, its build and how that ran last', () => {
  const world = worldOf('builds');
  const info = screen(press(start(world), 'j i', world), world);
  expect(info).toMatch(/mode +Designated/);
  expect(info).toMatch(/build +storefront on alpha, of \S+ main/);
  expect(info).toMatch(/last build +1\.4\.0\.B000006 ERROR 3\/4/);
});

test('Build & Deploy arms both stages when it is confirmed, and is off again after the run', () => {
  const world = worldOf('builds');
  const build = press(start(world), 'j m m', world);
  expect(row(build, world, 'storefront')).toMatch(
    /✗ ERROR 3\/4 .*running +Build & Deploy +\[ \] Confirm Execute/,
  );
  expect(press(build, 'x', world).effects).toEqual([]);
  expect(screen(press(build, 'x', world), world)).toContain('Check Confirm Execute');
  const confirmed = press(build, 'space', world);
  expect(row(confirmed, world, 'storefront')).toMatch(/◆ armed .*running +◆ armed +Build & Deploy +\[x\]/);
  const sent = press(confirmed, 'x enter', world);
  expect(sent.effects).toMatchObject([
    { type: 'execute', plans: [{ server: 'web', armed: [{ build: 'storefront' }] }] },
  ]);
  const table = press(sent, 'esc', world);
  expect(row(table, world, 'storefront')).toMatch(/· WAIT +Build & Deploy +\[ \] Confirm Execute/);
  expect(press(table, 'x', world).effects).toEqual([]);
  expect(screen(press(table, 'x', world), world)).toContain('web waits for storefront to be built');
});

/** What its agent would tell of a run of the storefront, from the first event on. */
function events(script: Partial<RunScript>, world: World, upTo?: BuildEvent['type']): BuildEvent[] {
  const definition = world.pipeline?.builds.storefront?.definition;
  if (definition === undefined) throw new Error('the scenes are others');
  const all = runEvents({ service: 'shop', definition, number: 7, ...script }).map(
    (body, at): BuildEvent => ({ ...body, seq: at + 1, at: new Date(at).toISOString() }),
  );
  const end = upTo === undefined ? all.length : all.findIndex(({ type }) => type === upTo) + 1;
  return all.slice(0, end);
}

/** Two tasks of one build, on two servers, whose run is begun; `after` tells what happened since. */
function begunTwice(world: World) {
  const armed = press(start(world), 'j m m space j j m m space', world);
  const sent = press(armed, 'b tab enter', world);
  const definition = world.pipeline?.builds.storefront?.definition;
  if (definition === undefined) throw new Error('the scenes are others');
  const id = runId({ service: 'shop', definition, number: 7 });
  const begun: BatchEvent = { type: 'build-begun', build: 'storefront', begun: { id, tag: '1.4.0.B000007' } };
  const after = (...more: BatchEvent[]) => progressAfter(sent.effects, begun, ...more);
  return { ...tell({ model: sent.model, effects: [] }, world, after()), id, after };
}

/** The storefront's run after what its agent told of it. */
function ran(world: World, script: Partial<RunScript>, upTo?: BuildEvent['type']): BatchEvent {
  const run = events(script, world, upTo).reduce<BuildRun | undefined>(reduceBuildRun, undefined);
  if (run === undefined) throw new Error('there is no run');
  return { type: 'build-run', build: 'storefront', run };
}

test('two tasks of one build share its run, and wait for it where their agent can not', () => {
  const world = oldWorld();
  const armed = press(start(world), 'j m m space j j m m space', world);
  const plan = press(armed, 'b', world);
  expect(screen(plan, world)).toContain('one run for 2 tasks: web/storefront, web-2/storefront-2');
  expect(screen(plan, world)).toContain('web on alpha, from here when it is built');
  const sent = press(plan, 'tab enter', world);
  expect(sent.effects).toMatchObject([{ type: 'execute', plans: [{ server: 'web' }, { server: 'web-2' }] }]);
  const { after, ...begun } = begunTwice(world);
  const half = tell(begun, world, after(ran(world, {}, 'image')));
  expect(half.effects).toEqual([]);
  expect(screen(half, world)).toContain('waits for storefront, deployed from here');
});

test('where its agent waits by itself, a server has its job at once, and leaving asks nothing', () => {
  const world = worldOf('builds');
  const armed = press(start(world), 'j m m space x', world);
  expect(screen(armed, world)).toContain('build storefront on alpha first');
  expect(screen(armed, world)).not.toContain('from here');
  const { after, ...begun } = begunTwice(world);
  const jobs = (['web', 'web-2'] as const).map(
    (server): BatchEvent => ({ type: 'deploy-begun', server, jobId: `job-${server}` }),
  );
  const waiting = tell(begun, world, after(...jobs, ran(world, {}, 'image')));
  expect(screen(waiting, world)).not.toContain('deployed from here');
  expect(press(waiting, 'esc q', world).effects).toEqual([{ type: 'quit', code: 0 }]);
  expect(farewell(waiting.model, world)).toEqual([
    'build storefront 1.4.0.B000007 goes on on alpha; towline build log storefront 1.4.0.B000007 --follow shows it',
    'job job-web goes on on web; towline job job-web --follow shows it',
    'job job-web-2 goes on on web-2; towline job job-web-2 --follow shows it',
  ]);
  // What a build did is said once, by the build.
  const refusal = { code: 'build-failed', message: 'The build failed.' } as const;
  const ended = ['web', 'web-2'].map((server): BatchEvent => {
    const job = SCENES.mixed?.().state.agents.alpha?.jobs['job-before'];
    if (job === undefined) throw new Error('the scenes are others');
    return { type: 'job', server, job: { ...job, id: `job-${server}`, server, state: 'REFUSED', refusal } };
  });
  const elsewhere = press(waiting, 'esc', world);
  const failed = ran(world, { fails: 'create-image' });
  const told = tell(elsewhere, world, after(...jobs, ...ended), after(...jobs, ...ended, failed));
  expect(screen(told, world)).toContain('failed in CREATE IMAGE');
  expect(told.model.executions).toEqual([]);
});

test('a job that waits for its build shows the run, and is cancelled without it', () => {
  const { fleet } = worldOf('builds');
  const { alpha } = fleet.agents;
  const tasks = [{ container: 'storefront', from: '1.4.0.B000003', to: '1.4.0.B000007' }];
  const script = { id: 'job-1', server: 'web', tasks, outcome: 'DONE', start: 0 } as const;
  const standing: JobEventBody = {
    type: 'step-progress',
    step: 'await-build:storefront',
    current: 2,
    total: 4,
    detail: 'BUILD',
  };
  const job = [...waitingBodies(script, 'storefront').before, standing]
    .map((body, at): JobEvent => ({ ...body, seq: at + 1, at: new Date(at).toISOString() }))
    .reduce<Job | undefined>(reduceJob, undefined);
  if (job === undefined || alpha === undefined) throw new Error('the scenes are others');
  const agents = { ...fleet.agents, alpha: { ...alpha, jobs: { ...alpha.jobs, [job.id]: job } } };
  const world = worldOf('builds', { fleet: { ...fleet, agents } });
  const table = press(start(world), 'j', world);
  expect(row(table, world, 'storefront')).toMatch(/waiting +· WAIT/);
  const opened = press(table, 'o', world);
  expect(screen(opened, world)).toMatch(/◐ RUNNING +wait for the build .*1\.4\.0\.B000007; 2\/4 BUILD/);
  // Its build's log is one key away, once its agent has told of the run.
  expect(screen(opened, world)).not.toContain('Build log');
  expect(screen(press(opened, 'L', world), world)).toContain('No build run is known');
  const key = buildKey({ service: 'shop', build: 'storefront' });
  const [run] = alpha.builds[key] ?? [];
  if (run === undefined) throw new Error('the scenes are others');
  const runs = [{ ...run, id: 'run-7', tag: '1.4.0.B000007' }, run];
  const knowing = { ...agents.alpha, builds: { ...alpha.builds, [key]: runs } };
  const known = worldOf('builds', { fleet: { ...fleet, agents: { ...agents, alpha: knowing } } });
  expect(screen(opened, known)).toContain(' L Build log ');
  const log = press(opened, 'L', known);
  expect(contextOf(log.model)).toBe('build-log');
  expect(screen(log, known)).toContain('Build log 1.4.0.B000007 of shop / storefront');
  expect(contextOf(press(log, 'esc', known).model)).toBe('job');
  const asked = screen(press(opened, 'c', world), world);
  expect(asked).toContain('Nothing is changed yet');
  expect(asked).not.toContain('put back');
});

test('a build that fails deploys nothing, and says so on every task that waited', () => {
  const world = oldWorld();
  const { after, ...begun } = begunTwice(world);
  const failure = after(ran(world, { fails: 'create-image' }));
  const failed = tell(begun, world, failure);
  expect(failed.effects).toEqual([]);
  const shown = screen(failed, world);
  expect(shown).toMatch(/✗ 1 build ERROR +⊘ 2 REFUSED/);
  expect(shown).toMatch(/failed in CREATE IMAGE[\s\S]*Nothing was deployed on web:/);
  expect(shown).toMatch(/Nothing was deployed on\s+web-2:/);
  // Whoever is back at the table sees it there.
  const told = tell(press(begun, 'esc', world), world, failure);
  expect(screen(told, world)).toContain('failed in CREATE IMAGE');
  expect(told.model.executions).toEqual([]);
});

test('a run that was refused is one that failed', () => {
  const world = worldOf('builds');
  const sent = press(start(world), 'j m m space x enter', world);
  const failure = { code: 'refused', message: 'The secret git-shop is not on alpha.' };
  const refused = tell(
    sent,
    world,
    progressAfter(sent.effects, { type: 'build-refused', build: 'storefront', failure }),
  );
  expect(screen(refused, world)).toMatch(/did not begin: The secret git-shop/);
});

test('who leaves while a server waits for a build is told first, and stays with Enter', () => {
  const world = oldWorld();
  const asked = press(begunTwice(world), 'esc q', world);
  expect(asked.effects).toEqual([]);
  expect(screen(asked, world)).toContain('web, web-2 wait for a build');
  expect(press(asked, 'enter', world).effects).toEqual([]);
  expect(press(asked, 'tab enter', world).effects).toEqual([{ type: 'quit', code: 0 }]);
});

test('an image that can not get to its server is refused before anything starts', () => {
  const world = worldOf('builds');
  const last = press(start(world), 'G m m space', world);
  expect(row(last, world, 'mailer-2')).not.toContain('armed');
  expect(screen(last, world)).toContain('has no registry to get there by');
});

test('the picker of images has what is deployed, what is new since, and the image that is taken', () => {
  const world = worldOf('builds');
  const opened = press(start(world), 'j v', world);
  expect(opened.effects).toMatchObject([
    { type: 'load-images', build: 'storefront' },
    { type: 'load-commits', from: '1.4.0.B000003', to: '1.4.0.B000005' },
  ]);
  expect(screen(opened, world)).toMatch(/1\.4\.0\.B000003 +● deployed/);
  expect(screen(opened, world)).toContain('for the autumn sale');
  const came = tell(opened, world, {
    type: 'commits',
    to: '1.4.0.B000005',
    result: {
      ok: true,
      value: {
        direction: 'forward',
        commits: [{ commit: 'abcdef0123', subject: 'Carts are saved', author: 'Ada', date: '2026-11-20' }],
        more: false,
      },
    },
  });
  expect(screen(came, world)).toMatch(/1 commit since 1\.4\.0\.B000003[\s\S]*abcdef0 Carts are saved/);
  const older = press(came, 'G enter', world);
  expect(row(older, world, 'storefront')).toMatch(/◆ armed +Designated +1\.4\.0\.B000001/);
});

test('one question at a time, however fast the cursor moves', () => {
  const world = worldOf('builds');
  const moved = press(start(world), 'j v j j j j', world);
  expect(moved.effects.filter(({ type }) => type === 'load-commits').length).toBe(1);
  const answered = tell({ ...moved, effects: [] }, world, {
    type: 'commits',
    to: '1.4.0.B000005',
    result: { ok: true, value: { direction: 'same', commits: [], more: false } },
  });
  expect(answered.effects).toMatchObject([{ type: 'load-commits', to: '1.4.0.B000001' }]);
});

test('what is pressed while an agent connects is there as soon as it is', () => {
  const connecting = worldOf('connecting');
  const connected = worldOf('builds');
  const versions = press(start(connecting), 'v', connecting);
  expect(contextOf(versions.model)).toBe('versions');
  expect(versions.effects).toEqual([]);
  expect(screen(versions, connecting)).toContain('Waiting for alpha');
  expect(tell(versions, connected, { type: 'world' }).effects).toMatchObject([
    { type: 'load-versions', agent: 'alpha' },
  ]);
  const images = press(start(connecting), 'j v', connecting);
  expect(tell(images, connected, { type: 'world' }).effects).toMatchObject([
    { type: 'load-images', agent: 'alpha' },
    { type: 'load-commits' },
  ]);
  const logs = press(start(connecting), 'l', connecting);
  expect(subscriptionsOf(logs.model, connecting)).toEqual([]);
  expect(subscriptionsOf(logs.model, connected)).toMatchObject([{ type: 'logs' }]);
});

test('the build log follows the step that runs, until another is chosen', () => {
  const world = worldOf('builds');
  const opened = press(start(world), 'j L', world);
  const key = buildKey({ service: 'shop', build: 'storefront' });
  const id = world.fleet.agents.alpha?.builds[key]?.[0]?.id ?? '';
  expect(subscriptionsOf(opened.model, world)).toEqual([
    { type: 'build-run', agent: 'alpha', id },
    { type: 'build-log', agent: 'alpha', run: id, step: 'create-image', attempt: 1 },
  ]);
  const download = press(opened, '1', world);
  expect(subscriptionsOf(download.model, world)).toMatchObject([{}, { step: 'download' }]);
  expect(screen(press(opened, '4', world), world)).toContain('PUSH has not run, and has no log.');
  const error = press(download, 'e', world);
  expect(error.effects).toMatchObject([{ type: 'load-log-page', query: { step: 'create-image' } }]);
});

test('whoever reads the log of a step stays there when the next one begins', () => {
  const world = worldOf('builds');
  const { id, ...begun } = begunTwice(world);
  const all = events({}, world);
  const building = all.slice(
    0,
    all.findIndex((event) => event.type === 'step-started' && event.step === 'build') + 1,
  );
  const opened = tell(press(begun, 'g enter', world), world, { type: 'build-events', id, events: building });
  const from = { agent: 'alpha', run: id, step: 'build', attempt: 1 } as const;
  const entries = Array.from({ length: 200 }, (_, at) => ({ seq: at + 1, text: `line ${at + 1}` }));
  const shown = tell(opened, world, { type: 'build-log-entries', from, entries });
  const done: Message = { type: 'build-events', id, events: all };
  const logStep = ({ model }: Shown) =>
    subscriptionsOf(model, world).flatMap((one) => (one.type === 'build-log' ? [one.step] : []));
  expect(logStep(tell(shown, world, done))).toEqual(['push']);
  const reading = tell(press(shown, 'k', world), world, done);
  expect(logStep(reading)).toEqual(['build']);
  expect(logStep(press(reading, 'f', world))).toEqual(['build']);
});

test('a run that is over offers neither to cancel nor to follow it, but what is to be read of it', () => {
  const world = { ...worldOf('builds'), size: { columns: 80, rows: 24 } };
  const foot = screen(press(start(world), 'j L', world), world)
    .split('\n')
    .at(-1);
  expect(foot).not.toMatch(/Cancel|Follow/);
  expect(foot).toContain(' w Wrap ');
});

test('cancelling a run asks first, and the safe button is marked', () => {
  const world = worldOf('builds');
  const running = events({}, world, 'step-started');
  const { id, ...begun } = begunTwice(world);
  const opened = press(begun, 'g enter', world);
  expect(contextOf(opened.model)).toBe('build-log');
  const shown = tell(opened, world, { type: 'build-events', id, events: running });
  const asked = press(shown, 'c', world);
  expect(screen(asked, world)).toContain('[ Keep it running ]');
  expect(press(asked, 'enter', world).effects).toEqual([]);
  expect(press(asked, 'tab enter', world).effects).toEqual([{ type: 'cancel-build', agent: 'alpha', id }]);
});

test('a viewer looks at a build and its log, and changes neither', () => {
  const { fleet } = worldOf('builds');
  const world = worldOf('builds', { fleet: viewedBy('board', Object.keys(fleet.agents), fleet) });
  const why = 'Your token "board" is a viewer\'s on alpha';
  expect(screen(start(world), world)).toMatch(/ viewer {2}/);
  const confirmed = press(start(world), 'j m m space', world);
  expect(screen(confirmed, world)).toContain(why);
  const log = press(start(world), 'j L', world);
  expect(contextOf(log.model)).toBe('build-log');
  expect(screen(press(log, 'a', world), world)).toContain(why);
  const edit = tell(press(start(world), 'j e', world), world, {
    type: 'map-reloaded',
    agent: 'alpha',
    service: 'shop',
    build: 'storefront',
    result: { ok: true, value: undefined },
  });
  for (const keys of ['r', 'd', 's', 'enter']) {
    const refused = press(edit, keys, world);
    expect(refused.effects).toEqual([]);
    expect(screen(refused, world)).toContain(why);
  }
});

test.each([
  ['j e', 'r', 'run-build'],
  ['j e', 'd tab enter', 'clean-build'],
])('in a read-only connection %s %s does nothing, and says why', (open, keys, effect) => {
  const world = worldOf('builds');
  const readOnly = { ...world, readOnly: true };
  const loaded = tell(press(start(world), open, world), world, {
    type: 'map-reloaded',
    agent: 'alpha',
    service: 'shop',
    build: 'storefront',
    result: { ok: true, value: undefined },
  });
  expect(press(loaded, keys, world).effects).toMatchObject([{ type: effect }]);
  const refused = press(loaded, keys, readOnly);
  expect(refused.effects).toEqual([]);
  expect(screen(press(loaded, keys.slice(0, 1), readOnly), readOnly)).toContain(
    'This connection is read-only.',
  );
});

/** Edit Build on the storefront, with what its file and its agent say. */
function edit(world: World): Shown {
  const place = { agent: 'alpha', service: 'shop', build: 'storefront' };
  return tell(
    press(start(world), 'j e', world),
    world,
    { type: 'map-reloaded', ...place, result: { ok: true, value: undefined } },
    {
      type: 'edit-loaded',
      ...place,
      runs: { ok: true, value: { runs: [], more: false, everRun: 6 } },
      secrets: { ok: true, value: [] },
    },
  );
}

test('a build is saved with what was changed, and the name of one that has run stays', () => {
  const world = worldOf('builds');
  const opened = edit(world);
  expect(screen(opened, world)).toMatch(/name +registry\S+ +locked: the build has run 6 times/);
  expect(screen(opened, world)).toMatch(/git-shop +✗ not on alpha yet/);
  const name = press(opened, `${'j '.repeat(12)}enter`, world);
  expect(contextOf(name.model)).toBe('edit-build');
  const changed = press(opened, 'j enter ctrl-u d e v enter', world);
  expect(screen(changed, world)).toContain('1 change not saved');
  const saved = press(changed, 's', world);
  expect(saved.effects).toMatchObject([{ type: 'save-build', changes: { source: { ref: 'dev' } } }]);
  // Pressed again before it is answered, it is not saved twice.
  expect(press(saved, 's', world).effects).toEqual([]);
});

test('what is not saved is asked for before it is left, and a run wants it saved', () => {
  const world = worldOf('builds');
  const changed = press(edit(world), 'j enter x enter', world);
  const asked = press(changed, 'esc', world);
  expect(screen(asked, world)).toContain('Not saved yet: ref.');
  expect(contextOf(press(asked, 'enter', world).model)).toBe('edit-build');
  expect(contextOf(press(asked, 'tab enter', world).model)).toBe('pipeline');
  expect(press(changed, 'r', world).effects).toEqual([]);
  expect(screen(press(changed, 'r', world), world)).toContain('Save first with s');
});

test('a file that somebody else changed meanwhile is not overwritten, and both changes come together', () => {
  const before = worldOf('builds');
  const place = { agent: 'alpha', service: 'shop', build: 'storefront' };
  const saved = press(edit(before), 'j enter ctrl-u d e v enter s', before);
  const noticed = tell({ model: saved.model, effects: [] }, before, {
    type: 'map-saved',
    ...place,
    result: { ok: false, error: { code: 'map-file-changed', message: 'It was changed.' } },
  });
  expect(noticed.effects).toEqual([{ type: 'reload-map', ...place }]);
  const services = before.fleet.services.map((service) => ({
    ...service,
    builds: service.builds.map((one) => ({ ...one, image: { ...one.image, version: '9.9.9' } })),
  }));
  const after = worldOf('builds', { fleet: { ...before.fleet, services } });
  const asked = tell({ model: noticed.model, effects: [] }, after, {
    type: 'map-reloaded',
    ...place,
    result: { ok: true, value: undefined },
  });
  expect(screen(asked, after)).toMatch(/they changed: image\s+version/);
  // Left as it was, a save asks again: it never writes over what it was told of.
  const again = press(asked, 'enter s', after);
  expect(again.effects).toEqual([]);
  expect(screen(again, after)).toContain('The map file was changed meanwhile');
  const merged = press(again, 'tab enter s', after);
  expect(merged.effects).toMatchObject([
    { type: 'save-build', changes: { source: { ref: 'dev' }, image: { version: '9.9.9' } } },
  ]);
});

test('a secret goes to its agent and nowhere else', () => {
  const world = worldOf('builds');
  const typing = press(edit(world), `G enter ${[...'hunter2!'].join(' ')}`, world);
  expect(screen(typing, world)).toContain('••••••••');
  expect(screen(typing, world)).not.toContain('hunter2!');
  const sent = press(typing, 'enter', world);
  expect(sent.effects).toEqual([{ type: 'put-secret', agent: 'alpha', name: 'git-shop', value: 'hunter2!' }]);
  expect(JSON.stringify(sent.model)).not.toContain('hunter2!');
});
