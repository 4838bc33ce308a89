import { isEnded } from '@towline/core/job';
import { sharedBuilds } from '@towline/core/plan';
import { bytes } from '../../components/index.ts';
import { type Command, commandFor, type Key } from '../../keys/index.ts';
import {
  logEnded,
  logEntriesCame,
  logPageCame,
  logPartCame,
  noteSet,
  openBuildLog,
  runEventsCame,
  runStreamFailed,
  searchCame,
  syncBuildLog,
} from '../build-log/index.ts';
import {
  agentToldOfBuild,
  editsDropped,
  fileTaken,
  mapReloaded,
  mapSaved,
  openEditBuild,
  secretWritten,
  syncEditBuild,
} from '../edit-build/index.ts';
import { commitsArrived, imagesArrived, openImages, syncImages } from '../images/index.ts';
import { jobEventsArrived, jobStreamFailed, openJob } from '../job/index.ts';
import { INITIAL_JOBS, jobsArrived } from '../jobs/index.ts';
import { logLinesArrived, logStreamEnded, logStreamStarted, openLogs } from '../logs/index.ts';
import { openMaps } from '../maps/index.ts';
import { openPassphrase } from '../passphrase/index.ts';
import {
  batchOf,
  INITIAL_PIPELINE,
  pressInPipeline,
  reducePipeline,
  tableHeight,
  tagChosen,
} from '../pipeline/index.ts';
import type { BuildPlace, Outcome, Question, Request } from '../request.ts';
import { openVersions, syncVersions, versionsArrived } from '../versions/index.ts';
import type { World } from '../world.ts';
import { contextOf } from './context.ts';
import { execute, progressCame, settleExecutions } from './executions.ts';
import { fits } from './least-size.ts';
import { otherMapQuestion, quitQuestion } from './leave-question.ts';
import type { Effect, Message } from './message.ts';
import type { Model, Over } from './model.ts';
import { notify } from './notice.ts';
import {
  BUILD_LOG,
  EDIT_BUILD,
  IMAGES,
  JOB,
  JOBS,
  LOGS,
  mapOutcome,
  mapState,
  open,
  type Screen,
  VERSIONS,
} from './over.ts';
import { paste } from './paste.ts';
import { pressOver } from './press-over.ts';

export interface Update {
  model: Model;
  effects: readonly Effect[];
}

/** What the dashboard is after a message, and what is to be done because of it. Pure. */
export function update(model: Model, message: Message, world: World): Update {
  switch (message.type) {
    case 'key':
      return press(model, message.key, world);
    case 'paste':
      return onlyModel(paste(model, message.text, world));
    case 'world':
      return syncModel(model, world);
    case 'progress':
      return onlyModel(progressCame(model, message.execution, message.progress, world));
    case 'progress-lost':
      return onlyModel(notify(model, 'bad', message.message, world));
    case 'cancelled':
    case 'build-cancelled': {
      const text =
        message.type === 'cancelled'
          ? 'Cancelling. What was changed is put back first.'
          : 'Cancelling. The run ends where it is.';
      return onlyModel(
        message.result.ok
          ? notify(model, 'plain', text, world)
          : notify(model, 'bad', message.result.error.message, world),
      );
    }
    case 'restore-begun':
      return onlyModel(restoreBegun(model, message, world));
    case 'build-started':
      return startedBuild(model, message, world);
    case 'build-events':
      return onlyModel(
        mapState(model, BUILD_LOG, (state) => runEventsCame(state, message.id, message.events)),
      );
    case 'build-failed':
      return onlyModel(
        mapState(model, BUILD_LOG, (state) => runStreamFailed(state, message.id, message.message)),
      );
    case 'noted': {
      if (!message.result.ok) return onlyModel(notify(model, 'bad', message.result.error.message, world));
      const noted = mapState(model, BUILD_LOG, (state) => noteSet(state, message.id, message.note));
      return onlyModel(notify(noted, 'good', message.note === '' ? 'The note is gone.' : 'Noted.', world));
    }
    case 'cleaned': {
      const what = message.what === 'source' ? 'The source' : 'The caches';
      return onlyModel(
        message.result.ok
          ? notify(model, 'good', `${what} cleared: ${bytes(message.result.value.freed)} freed.`, world)
          : notify(model, 'bad', message.result.error.message, world),
      );
    }
    default:
      return arrive(model, message, world);
  }
}

type Answer = Exclude<
  Message,
  {
    type:
      | 'key'
      | 'paste'
      | 'world'
      | 'progress'
      | 'progress-lost'
      | 'cancelled'
      | 'build-cancelled'
      | 'build-started'
      | 'restore-begun'
      | 'build-events'
      | 'build-failed'
      | 'noted'
      | 'cleaned';
  }
>;

/** What came for the screens that asked for it. */
function arrive(model: Model, message: Answer, world: World): Update {
  switch (message.type) {
    case 'versions':
      return onlyModel(mapState(model, VERSIONS, (state) => versionsArrived(state, message)));
    case 'images':
      return then(onlyModel(mapState(model, IMAGES, (state) => imagesArrived(state, message))), (so) =>
        syncModel(so, world),
      );
    case 'commits':
      return then(onlyModel(mapState(model, IMAGES, (state) => commitsArrived(state, message))), (so) =>
        syncModel(so, world),
      );
    case 'jobs':
      return onlyModel(mapState(model, JOBS, (state) => jobsArrived(state, message.agent, message.result)));
    case 'job-events':
      return onlyModel(
        dropAnswered(
          mapState(model, JOB, (state) => jobEventsArrived(state, message.id, message.events)),
          world,
        ),
      );
    case 'job-failed':
      return onlyModel(mapState(model, JOB, (state) => jobStreamFailed(state, message.id, message.message)));
    case 'log-started':
      return onlyModel(mapState(model, LOGS, (state) => logStreamStarted(state, message.from)));
    case 'log-lines':
      return onlyModel(mapState(model, LOGS, (state) => logLinesArrived(state, message.from, message.lines)));
    case 'log-ended':
      return onlyModel(
        mapState(model, LOGS, (state) => logStreamEnded(state, message.from, message.failure)),
      );
    case 'build-log-entries':
      return mapAndFollow(
        model,
        BUILD_LOG,
        (state) => syncBuildLog(logEntriesCame(state, message.from, message.entries, world), world),
        world,
      );
    case 'build-log-ended':
      return onlyModel(mapState(model, BUILD_LOG, (state) => logEnded(state, message.from, message.failure)));
    case 'build-log-page':
      return mapAndFollow(
        model,
        BUILD_LOG,
        (state) => logPageCame(state, message.from, message.result, world),
        world,
      );
    case 'build-log-part':
      return mapAndFollow(
        model,
        BUILD_LOG,
        (state) => logPartCame(state, message.from, message.asked, message.result, world),
        world,
      );
    case 'sought':
      return mapAndFollow(model, BUILD_LOG, (state) => searchCame(state, message, world), world);
    case 'edit-loaded':
      return onlyModel(
        mapState(model, EDIT_BUILD, (state) =>
          samePlace(state, message)
            ? agentToldOfBuild(state, { runs: message.runs, secrets: message.secrets })
            : state,
        ),
      );
    case 'map-reread':
      return onlyModel(
        message.result.ok
          ? notify(model, 'good', 'The map file is read again.', world)
          : notify(model, 'bad', message.result.error.message, world),
      );
    case 'map-reloaded':
      return mapAndFollow(
        model,
        EDIT_BUILD,
        (state) =>
          samePlace(state, message) ? mapReloaded(state, message.result, world) : { state, requests: [] },
        world,
      );
    case 'map-saved':
      return mapAndFollow(
        model,
        EDIT_BUILD,
        (state) =>
          samePlace(state, message) ? mapSaved(state, message.result, world) : { state, requests: [] },
        world,
      );
    case 'secret-put':
      return mapAndFollow(
        model,
        EDIT_BUILD,
        (state) => secretWritten(state, message.name, message.result),
        world,
      );
  }
}

function samePlace(a: BuildPlace, b: BuildPlace): boolean {
  return a.agent === b.agent && a.service === b.service && a.build === b.build;
}

/** In the place of the job that it is for, where that is looked at. */
function restoreBegun(
  model: Model,
  { agent, server, result }: Extract<Message, { type: 'restore-begun' }>,
  world: World,
): Model {
  if (!result.ok) return notify(model, 'bad', result.error.message, world);
  const over = model.over.at(-1)?.type === 'job' ? model.over.slice(0, -1) : model.over;
  const told = notify({ ...model, over }, 'plain', `${server} is being restored.`, world);
  return open(told, { type: 'job', state: openJob(agent, result.value.jobId) });
}

/** A run that was asked for alone is looked at. */
function startedBuild(
  model: Model,
  { agent, service, build, result }: Extract<Message, { type: 'build-started' }>,
  world: World,
): Update {
  if (!result.ok) return onlyModel(notify(model, 'bad', result.error.message, world));
  const { runId, tag, queue } = result.value;
  const waits = queue === undefined ? undefined : `${tag} waits: ${queue.reason}.`;
  if (model.over.at(-1)?.type !== 'edit-build') {
    return onlyModel(notify(model, 'plain', waits ?? `${tag} runs.`, world));
  }
  // The log says that it runs; only why it waits is news.
  const told = waits === undefined ? { ...model, notice: undefined } : notify(model, 'plain', waits, world);
  const state = openBuildLog({ agent, service, build }, runId);
  return onlyModel(open(told, { type: 'build-log', state }));
}

function press(model: Model, key: Key, world: World): Update {
  const context = contextOf(model);
  const command = commandFor(context, key);
  if (command === 'abort') return { model, effects: [{ type: 'quit', code: 0 }] };
  if (command === 'suspend') return { model, effects: [{ type: 'suspend' }] };
  if (!fits(world.size)) {
    // Nothing is seen, so nothing is done; but leaving is always possible.
    return { model, effects: key === 'q' ? [{ type: 'quit', code: 0 }] : [] };
  }
  const quiet = model.notice === undefined ? model : { ...model, notice: undefined };
  if (command === 'help' && context !== 'help') {
    return onlyModel(open(quiet, { type: 'help', state: { context, top: 0 } }));
  }
  return pressOnTop(quiet, command, key, world);
}

function pressOnTop(model: Model, command: Command | undefined, key: Key, world: World): Update {
  const top = model.over.at(-1);
  if (top === undefined) {
    const { state, requests } = pressInPipeline(model.pipeline, command, key, world);
    return follow({ ...model, pipeline: state }, requests, world);
  }
  const { over, requests } = pressOver(top, model, command, key, world);
  return follow({ ...model, over: [...model.over.slice(0, -1), over] }, requests, world);
}

function follow(model: Model, requests: readonly Request[], world: World): Update {
  return requests.reduce<Update>((so, request) => then(so, (now) => followOne(now, request, world)), {
    model,
    effects: [],
  });
}

function followOne(model: Model, request: Request, world: World): Update {
  switch (request.type) {
    case 'close':
      // What was looked at and is over is not kept any longer.
      return onlyModel(settleExecutions({ ...model, over: model.over.slice(0, -1) }, world));
    case 'quit': {
      const question = quitQuestion(model, world.pipeline);
      return question === undefined ? { model, effects: [{ type: 'quit', code: 0 }] } : ask(model, question);
    }
    case 'quit-now':
      return { model, effects: [{ type: 'quit', code: 0 }] };
    case 'suspend':
      return { model, effects: [{ type: 'suspend' }] };
    case 'notice':
      return onlyModel(notify(model, request.tone, request.text, world));
    case 'ask':
      return ask(model, request.question);
    case 'execute':
      return execute(model, request.plans, request.batch, world);
    case 'run-build':
      return { model, effects: [request] };
    case 'choose-tag':
      return onlyModel({ ...model, pipeline: tagChosen(model.pipeline, world, request) });
    case 'drop-edits':
      return mapAndFollow(model, EDIT_BUILD, editsDropped, world);
    case 'take-file':
      return onlyModel(mapState(model, EDIT_BUILD, fileTaken));
    case 'show-maps':
    case 'show-map':
    case 'show-map-now':
    case 'show-versions':
    case 'show-execute':
    case 'show-plan':
    case 'show-job':
    case 'show-details':
    case 'show-jobs':
    case 'show-logs':
    case 'show-build-log':
    case 'show-edit-build':
      return show(model, request, world);
    default:
      return { model, effects: [request] };
  }
}

function ask(model: Model, question: Question): Update {
  return onlyModel(open(model, { type: 'confirm', state: { question, marked: 0 } }));
}

type Show = Extract<Request, { type: `show-${string}` }>;

/** Another screen or dialog. */
function show(model: Model, request: Show, world: World): Update {
  switch (request.type) {
    case 'show-maps':
      return onlyModel(open(model, { type: 'maps', state: openMaps(world) }));
    case 'show-map': {
      const { service, map } = request;
      if (model.place?.service === service && model.place.map === map) return onlyModel(model);
      const now: Request = { ...request, type: 'show-map-now' };
      const question = otherMapQuestion(model, world.pipeline, now);
      return question === undefined ? show(model, now, world) : ask(model, question);
    }
    case 'show-map-now': {
      const { service, map } = request;
      return onlyModel({ ...model, place: { service, map }, pipeline: INITIAL_PIPELINE });
    }
    case 'show-versions': {
      const server = world.pipeline?.servers.find(({ name }) => name === request.server);
      const task = server?.tasks.find(({ container }) => container.name === request.container);
      if (server === undefined || task === undefined) return onlyModel(model);
      const { build } = task;
      const opened: Over =
        build === undefined
          ? { type: 'versions', state: openVersions(task, server.agent) }
          : {
              type: 'images',
              state: openImages(task, {
                agent: build.definition.agent,
                service: world.pipeline?.service ?? '',
                build: build.definition.name,
              }),
            };
      return syncModel(open(model, opened), world);
    }
    case 'show-execute': {
      const builds = sharedBuilds([request.plan], world.pipeline?.builds ?? {});
      return onlyModel(open(model, { type: 'execute', state: { plan: request.plan, builds, marked: 0 } }));
    }
    case 'show-plan': {
      if (world.pipeline === undefined) return onlyModel(model);
      const plan = batchOf(model.pipeline, world.pipeline);
      const builds = sharedBuilds(plan.servers, world.pipeline.builds);
      return onlyModel(open(model, { type: 'plan', state: { plan, builds, marked: 0, top: 0 } }));
    }
    case 'show-job':
      return onlyModel(open(model, { type: 'job', state: openJob(request.agent, request.id) }));
    case 'show-details':
      return onlyModel(open(model, { type: 'details', state: { row: request.row, top: 0 } }));
    case 'show-jobs':
      return {
        // From a job, the list it was opened from is one step back: never a second one on top.
        model: open(
          { ...model, over: model.over.filter(({ type }) => type !== 'jobs') },
          { type: 'jobs', state: INITIAL_JOBS },
        ),
        effects: [{ type: 'load-jobs' }],
      };
    case 'show-logs':
      return onlyModel(open(model, { type: 'logs', state: openLogs(request.agent, request.container) }));
    case 'show-build-log': {
      const { agent, service, build, run } = request;
      const state = openBuildLog({ agent, service, build }, run);
      // From Edit Build and back again is one step back: never a second one on top.
      const over = model.over.filter(({ type }) => type !== 'build-log');
      return onlyModel(open({ ...model, over }, { type: 'build-log', state }));
    }
    case 'show-edit-build': {
      const { agent, service, build } = request;
      const place = { agent, service, build };
      const opened = open(model, { type: 'edit-build', state: openEditBuild(place) });
      return then({ model: opened, effects: [{ type: 'reload-map', ...place }] }, (so) =>
        syncModel(so, world),
      );
    }
  }
}

/** What follows from the world as it is now. */
function syncModel(model: Model, world: World): Update {
  const room = { pipeline: world.pipeline, height: tableHeight(world.size) };
  const synced: Model = {
    ...model,
    pipeline: reducePipeline(model.pipeline, { type: 'sync' }, room),
    notice: model.notice !== undefined && model.notice.until < world.now ? undefined : model.notice,
  };
  return [
    (so: Model) => onlyModel(syncPassphrase(so, world)),
    (so: Model) => onlyModel(dropAnswered(so, world)),
    (so: Model) => onlyModel(settleExecutions(so, world)),
    (so: Model) => mapAndFollow(so, VERSIONS, (state) => syncVersions(state, world), world),
    (so: Model) => mapAndFollow(so, IMAGES, (state) => syncImages(state, world), world),
    (so: Model) => mapAndFollow(so, BUILD_LOG, (state) => syncBuildLog(state, world), world),
    (so: Model) => mapAndFollow(so, EDIT_BUILD, (state) => syncEditBuild(state, world), world),
  ].reduce<Update>(then, onlyModel(synced));
}

/** What a link asks for comes over everything, and goes when it is not asked any more. */
function syncPassphrase(model: Model, world: World): Model {
  const { passphrase: asked } = world.fleet;
  const isAsked = (one: Over) => one.type === 'passphrase' && one.state.question.id === asked?.id;
  const over = model.over.filter((one) => one.type !== 'passphrase' || isAsked(one));
  if (asked !== undefined && !over.some(isAsked)) {
    return open({ ...model, over }, { type: 'passphrase', state: openPassphrase(asked) });
  }
  return over.length === model.over.length ? model : { ...model, over };
}

/** A question about a job goes when it has ended, or somebody else has cancelled it: there is nothing left to answer. */
function dropAnswered(model: Model, world: World): Model {
  const top = model.over.at(-1);
  const about = top?.type === 'confirm' ? top.state.question.while : undefined;
  if (about === undefined) return model;
  const seen = world.fleet.agents[about.agent]?.jobs[about.id];
  const own = model.over.flatMap((over) =>
    over.type === 'job' && over.state.id === about.id ? (over.state.job ?? []) : [],
  );
  const told = [...own, ...(seen === undefined ? [] : [seen])];
  const over =
    told.find(({ state }) => isEnded(state)) ?? told.find(({ cancelledBy }) => cancelledBy !== undefined);
  if (over === undefined) return model;
  const { server, state, cancelledBy } = over;
  const text = isEnded(state)
    ? `The job on ${server} has ended meanwhile: ${state}.`
    : `${cancelledBy} has cancelled the job on ${server} meanwhile.`;
  return notify({ ...model, over: model.over.slice(0, -1) }, 'plain', text, world);
}

function then(so: Update, next: (model: Model) => Update): Update {
  const { model, effects } = next(so.model);
  return { model, effects: [...so.effects, ...effects] };
}

/** Changes what is open, and does what it asks for. */
function mapAndFollow<State>(
  model: Model,
  screen: Screen<State>,
  change: (state: State) => Outcome<State>,
  world: World,
): Update {
  const { model: changed, requests } = mapOutcome(model, screen, change);
  return follow(changed, requests, world);
}

function onlyModel(model: Model): Update {
  return { model, effects: [] };
}
