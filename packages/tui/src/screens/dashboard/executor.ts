import { randomUUID } from 'node:crypto';
import type { BuildEvent } from '@towline/core/build';
import type { JobEvent } from '@towline/core/job';
import { type BatchProgress, toRestoreInput } from '@towline/core/plan';
import type { BuildLogEntry, LogLine } from '@towline/core/protocol';
import { err } from '@towline/core/result';
import { CallError, type Fleet, runBatch } from '../../fleet/index.ts';
import { type Call, type Effect, type Message, type Subscription, subscriptionKey } from './message.ts';

/** How much of a log is asked for at first. */
const TAIL = 1000;
/** What streams bring is handed on at this pace, so that a fast log can't keep the screen busy. */
const PACE_MS = 100;
/** Of what a build prints in one pause: more than a screen keeps need not come to it. */
const MOST_LINES = 10_000;
/** The history has no more of all builds together. */
const MOST_RUNS = 1000;
const MOST_COMMITS = 100;

export interface Executor {
  /** Everything but leaving and suspending, which are the terminal's business. */
  run(effect: Exclude<Effect, { type: 'quit' | 'suspend' }>): void;
  /** Opens the streams that are new, and closes those that are not among them any more. */
  subscribe(subscriptions: readonly Subscription[]): void;
  close(): void;
}

/** Does what was decided, and tells what came of it. Failures are messages like any other. */
export function createExecutor(fleet: Fleet, tell: (message: Message) => void): Executor {
  const open = new Map<string, AbortController>();
  const closing = new AbortController();

  const report = (message: Message) => {
    if (!closing.signal.aborted) tell(message);
  };

  return {
    run: (effect) => {
      switch (effect.type) {
        case 'execute':
          void carryOut(fleet, effect, closing.signal, report);
          return;
        case 'run-build':
          void runBuild(fleet, effect).then(report);
          return;
        case 'answer-passphrase':
          // What it changes is told at once, and is not to come into the middle of what is decided here.
          queueMicrotask(() => fleet.answerPassphrase(effect.id, effect.passphrase));
          return;
        case 'retry-agents':
          queueMicrotask(() => fleet.retryAgents());
          return;
        default:
          for (const answer of ask(fleet, effect)) void answer.then(report);
      }
    },
    subscribe: (subscriptions) => {
      const wanted = new Map(
        subscriptions.map((subscription) => [subscriptionKey(subscription), subscription]),
      );
      for (const [key, controller] of open) {
        if (wanted.has(key)) continue;
        controller.abort();
        open.delete(key);
      }
      for (const [key, subscription] of wanted) {
        if (open.has(key)) continue;
        const controller = new AbortController();
        open.set(key, controller);
        void stream(fleet, subscription, controller.signal, (message) => {
          if (!controller.signal.aborted) report(message);
        });
      }
    },
    close: () => {
      closing.abort();
      for (const controller of open.values()) controller.abort();
      open.clear();
    },
  };
}

/** Carries out what was executed, and tells how far it is at a pace that a screen can follow. */
async function carryOut(
  fleet: Fleet,
  { type: _, execution, ...what }: Extract<Effect, { type: 'execute' }>,
  signal: AbortSignal,
  tell: (message: Message) => void,
): Promise<void> {
  const paced = pace<BatchProgress>((all) => {
    const progress = all.at(-1);
    if (progress !== undefined) tell({ type: 'progress', execution, progress });
  }, 1);
  const end = await runBatch(fleet, {
    ...what,
    signal,
    // It is shown that an agent is away; whoever looks decides how long to wait for it.
    patienceMs: Number.POSITIVE_INFINITY,
    onProgress: paced.push,
  });
  paced.end();
  for (const { message } of end.lost.values()) tell({ type: 'progress-lost', message });
}

async function runBuild(
  fleet: Fleet,
  { type: _, only, ...place }: Extract<Effect, { type: 'run-build' }>,
): Promise<Message> {
  const { agent, service, build } = place;
  const definition = fleet.store
    .getState()
    .services.find(({ name }) => name === service)
    ?.builds.find(({ name }) => name === build);
  if (definition === undefined) {
    const message = `The build ${build} is not in the map of ${service} any more.`;
    return { ...place, type: 'build-started', result: err({ code: 'not-found', message }) };
  }
  const result = await fleet.runBuild(agent, {
    key: randomUUID(),
    service,
    definition,
    operator: fleet.operator,
    ...(only !== undefined && { only }),
  });
  return { ...place, type: 'build-started', result };
}

/** A question, and what its answers are called; of all agents there is one from each. */
function ask(fleet: Fleet, call: Call): readonly Promise<Message>[] {
  switch (call.type) {
    case 'cancel-job':
      return [
        fleet.cancelJob(call.agent, call.id).then((result) => ({ type: 'cancelled', id: call.id, result })),
      ];
    case 'restore-server': {
      const { service, map, server } = call;
      const definition = fleet.store
        .getState()
        .services.find(({ name }) => name === service)
        ?.maps.find(({ name }) => name === map)
        ?.servers.find(({ name }) => name === server);
      // The map was read again meanwhile, and has it no more.
      if (definition === undefined) return [];
      const { agent } = definition;
      const from = { service, map, key: randomUUID(), operator: fleet.operator };
      return [
        fleet
          .restore(agent, toRestoreInput(definition, from))
          .then((result) => ({ type: 'restore-begun', agent, server, result })),
      ];
    }
    case 'cancel-build':
      return [
        fleet
          .cancelBuild(call.agent, call.id)
          .then((result) => ({ type: 'build-cancelled', id: call.id, result })),
      ];
    case 'load-versions': {
      const { agent, image } = call;
      return [fleet.versions(agent, image).then((result) => ({ type: 'versions', agent, image, result }))];
    }
    case 'load-jobs':
      return Object.keys(fleet.store.getState().agents).map((agent) =>
        fleet.jobs(agent).then((result) => ({ type: 'jobs', agent, result })),
      );
    case 'load-images': {
      const { agent, service, build } = call;
      const query = { service, build, limit: MOST_RUNS };
      return [
        fleet.buildRuns(agent, query).then((result) => ({ type: 'images', agent, service, build, result })),
      ];
    }
    case 'load-commits': {
      const { agent, service, build, from, to } = call;
      return [
        fleet
          .commitsBetween(agent, { service, build, from, to, limit: MOST_COMMITS })
          .then((result) => ({ type: 'commits', to, result })),
      ];
    }
    case 'load-log-page': {
      const { agent, query, attempt } = call;
      const from = { agent, run: query.run, step: query.step, attempt };
      return [fleet.buildLog(agent, query).then((result) => ({ type: 'build-log-page', from, result }))];
    }
    case 'load-log-part': {
      const { agent, run, step, asked, attempt } = call;
      const { seq, at, until } = asked;
      const from = { agent, run, step, attempt };
      return [
        fleet
          .buildLogPart(agent, { run, step, seq, at, until })
          .then((result) => ({ type: 'build-log-part', from, asked, result })),
      ];
    }
    case 'set-note': {
      const { agent, id, note } = call;
      return [fleet.setBuildNote(agent, id, note).then((result) => ({ type: 'noted', id, note, result }))];
    }
    case 'clean-build': {
      const { agent, service, build, what } = call;
      return [
        fleet
          .cleanBuild(agent, { service, build, what: [what] })
          .then((result) => ({ type: 'cleaned', what, result })),
      ];
    }
    case 'load-edit': {
      const { type: _, ...place } = call;
      const { agent, service, build } = place;
      return [
        Promise.all([fleet.buildRuns(agent, { service, build, limit: 1 }), fleet.secretNames(agent)]).then(
          ([runs, secrets]) => ({ type: 'edit-loaded', ...place, runs, secrets }),
        ),
      ];
    }
    case 'reload-map': {
      const { type: _, ...place } = call;
      return [fleet.reloadMap().then((result) => ({ type: 'map-reloaded', ...place, result }))];
    }
    case 'reread-map':
      return [fleet.reloadMap().then((result) => ({ type: 'map-reread', result }))];
    case 'save-build': {
      const { type: _, changes, ...place } = call;
      return [
        fleet
          .saveBuild(place.service, place.build, changes)
          .then((result) => ({ type: 'map-saved', ...place, result })),
      ];
    }
    case 'put-secret': {
      const { agent, name, value } = call;
      return [fleet.putSecret(agent, name, value).then((result) => ({ type: 'secret-put', name, result }))];
    }
  }
}

async function stream(
  fleet: Fleet,
  subscription: Subscription,
  signal: AbortSignal,
  tell: (message: Message) => void,
): Promise<void> {
  switch (subscription.type) {
    case 'job': {
      const { agent, id } = subscription;
      const paced = pace<JobEvent>((events) => tell({ type: 'job-events', id, events }));
      try {
        for await (const event of fleet.followJob(agent, id, signal)) paced.push(event);
        paced.end();
      } catch (error) {
        paced.end();
        tell({ type: 'job-failed', id, message: messageOf(error) });
      }
      return;
    }
    case 'build-run': {
      const { agent, id } = subscription;
      const paced = pace<BuildEvent>((events) => tell({ type: 'build-events', id, events }));
      try {
        for await (const event of fleet.followBuildRun(agent, id, signal)) paced.push(event);
        paced.end();
      } catch (error) {
        paced.end();
        tell({ type: 'build-failed', id, message: messageOf(error) });
      }
      return;
    }
    case 'build-log': {
      const { agent, run, step, attempt } = subscription;
      const from = { agent, run, step, attempt };
      const paced = pace<BuildLogEntry>(
        (entries) => tell({ type: 'build-log-entries', from, entries }),
        MOST_LINES,
      );
      try {
        const lines = fleet.followBuildLog(agent, { run, step }, { latest: TAIL }, signal);
        for await (const entries of lines) for (const entry of entries) paced.push(entry);
        paced.end();
        tell({ type: 'build-log-ended', from, failure: undefined });
      } catch (error) {
        paced.end();
        tell({ type: 'build-log-ended', from, failure: messageOf(error) });
      }
      return;
    }
    case 'seek': {
      const { agent, run, step, what, direction, count } = subscription;
      let { from } = subscription;
      // One question is bounded in time: a search goes on until it has found something, or is left.
      while (!signal.aborted) {
        const answer = await fleet.searchBuildLog(agent, { run, step, what, from, direction });
        if (!answer.ok) {
          tell({ type: 'sought', count, found: undefined, failure: answer.error.message });
          return;
        }
        if (answer.value.result !== 'continue') {
          const found = answer.value.result === 'found' ? answer.value : undefined;
          tell({ type: 'sought', count, found, failure: undefined });
          return;
        }
        from = answer.value.next;
      }
      return;
    }
    case 'logs': {
      const { agent, container, attempt, tail } = subscription;
      const from = { agent, container, attempt };
      const paced = pace<LogLine>((lines) => tell({ type: 'log-lines', from, lines }));
      try {
        const onStarted = () => tell({ type: 'log-started', from });
        for await (const line of fleet.logs(agent, container, { follow: true, tail, signal, onStarted })) {
          paced.push(line);
        }
        paced.end();
        tell({ type: 'log-ended', from, failure: undefined });
      } catch (error) {
        paced.end();
        tell({ type: 'log-ended', from, failure: messageOf(error) });
      }
    }
  }
}

/** What an agent could not do is told; anything else is a fault of this program, and is not hidden. */
function messageOf(error: unknown): string {
  if (error instanceof CallError) return error.failure.message;
  throw error;
}

/** Hands items on in batches: the first at once, then one batch in each pause. Of more than `most` the last ones. */
function pace<T>(
  hand: (items: readonly T[]) => void,
  most = Number.POSITIVE_INFINITY,
): { push(item: T): void; end(): void } {
  let waiting: T[] = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    timer = undefined;
    if (waiting.length === 0) return;
    const items = waiting;
    waiting = [];
    hand(items);
    timer = setTimeout(flush, PACE_MS);
  };
  return {
    push: (item) => {
      waiting.push(item);
      // Now and then, not each time: that would be to copy all of them for each.
      if (waiting.length >= 2 * most) waiting = waiting.slice(-most);
      if (timer === undefined) timer = setTimeout(flush, 0);
    },
    end: () => {
      clearTimeout(timer);
      flush();
      clearTimeout(timer);
    },
  };
}
