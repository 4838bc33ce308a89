import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BuildEvent,
  type BuildRun,
  type BuildStepKind,
  buildKey,
  isRunEnded,
  lockedFields,
  reduceBuildRun,
} from '@towline/core/build';
import { type BuildChanges, editBuild, formatMapFile, parseMapFile } from '@towline/core/map';
import { reduceWatchEvent } from '@towline/core/plan';
import { type BuildLogEntry, MAX_LOG_TEXT } from '@towline/core/protocol';
import { err, ok } from '@towline/core/result';
import type { StoreApi } from 'zustand/vanilla';
import type { BuildCalls, Fleet, FleetState } from '../../fleet/index.ts';
import { commitOf, logLength, logLine, logPart, type RunScript, runEvents, runId } from './build-script.ts';

const EVENT_MS = 120;

/**
 * Builds that play: a run goes through its events, and fails in BUILD where its command has `exit 1` in it. Another
 * editor saves the map file once, before the first save where a build's version has `meanwhile` in it.
 */
export function scriptedBuilds(
  store: StoreApi<FleetState>,
  isClosed: () => boolean,
): BuildCalls & Pick<Fleet, 'saveBuild' | 'reloadMap'> {
  const events = new Map<string, BuildEvent[]>();
  const scripts = new Map<string, RunScript>();
  const cancelled = new Set<string>();
  const secrets = new Map<string, string>();
  const waiting = new Set<() => void>();
  let disturbed = false;

  const runsOf = (agent: string) => Object.values(store.getState().agents[agent]?.builds ?? {}).flat();
  const tell = (agent: string, run: BuildRun) => {
    const state = store.getState();
    const view = state.agents[agent];
    if (view === undefined) return;
    const told = reduceWatchEvent(view, { type: 'build-run', run: { ...run, vertices: [] } });
    store.setState({ ...state, agents: { ...state.agents, [agent]: told } });
  };
  const play = async (agent: string, script: RunScript) => {
    const id = runId(script);
    const list: BuildEvent[] = [];
    events.set(id, list);
    scripts.set(id, script);
    let run: BuildRun | undefined;
    const add = (body: ReturnType<typeof runEvents>[number]) => {
      const event: BuildEvent = { ...body, seq: list.length + 1, at: new Date().toISOString() };
      list.push(event);
      run = reduceBuildRun(run, event);
      if (run !== undefined) tell(agent, run);
      for (const wake of [...waiting]) wake();
    };
    for (const body of runEvents(script)) {
      if (cancelled.has(id)) {
        add({ type: 'cancel-requested', operator: 'ada@workstation' });
        add({ type: 'ended', state: 'CANCELLED' });
        return;
      }
      add(body);
      if (isClosed()) return;
      await sleep(EVENT_MS);
    }
  };
  const scriptOf = (agent: string, id: string): RunScript | undefined => {
    const known = scripts.get(id);
    if (known !== undefined) return known;
    const run = runsOf(agent).find((one) => one.id === id);
    const definition = store
      .getState()
      .services.find(({ name }) => name === run?.service)
      ?.builds.find(({ name }) => name === run?.build);
    if (run === undefined || definition === undefined) return undefined;
    const fails = run.steps.find(({ state }) => state === 'ERROR')?.kind;
    return { service: run.service, definition, number: run.number, fails };
  };
  const page = (agent: string, id: string, step: BuildStepKind, from: number, count: number) => {
    const script = scriptOf(agent, id);
    const length = script === undefined ? 0 : logLength(script, step);
    const entries: BuildLogEntry[] = [];
    for (let seq = Math.max(1, from); seq <= length && entries.length < count; seq += 1) {
      entries.push(logLine(step, seq, length));
    }
    return { entries, lines: length };
  };
  const noRun = (id: string) => err({ code: 'not-found' as const, message: `There is no run ${id}.` });

  return {
    runBuild: async (agent, { service, definition, only }) => {
      await sleep(50);
      const known = runsOf(agent).filter(
        (run) => buildKey(run) === buildKey({ service, build: definition.name }),
      );
      const number = Math.max(0, ...known.map((run) => run.number)) + 1;
      const fails = definition.command?.run.includes('exit 1') === true ? 'build' : undefined;
      const script: RunScript = { service, definition, number, only, fails };
      void play(agent, script);
      return ok({
        runId: runId(script),
        number,
        tag: `${definition.image.version}.B${String(number).padStart(6, '0')}`,
        repeated: false,
      });
    },
    cancelBuild: async (_agent, id) => {
      cancelled.add(id);
      return ok(undefined);
    },
    buildRuns: async (agent, { service, build }) => {
      await sleep(100);
      const runs = runsOf(agent).filter((run) => run.service === service && run.build === build);
      return ok({ runs, more: false, everRun: runs.length });
    },
    buildRun: async (agent, id) => {
      const run = runsOf(agent).find((one) => one.id === id);
      return run === undefined ? noRun(id) : ok(run);
    },
    followBuildRun: async function* (agent, id, signal) {
      const script = scriptOf(agent, id);
      const past = runsOf(agent).find((one) => one.id === id);
      if (!events.has(id) && script !== undefined && past !== undefined) {
        const began = Date.parse(past.queuedAt);
        for (const [at, body] of runEvents(script).entries()) {
          yield { ...body, seq: at + 1, at: new Date(began + at * 400).toISOString() };
        }
        return;
      }
      let next = 0;
      while (!signal.aborted) {
        const event = events.get(id)?.[next];
        if (event === undefined) {
          await new Promise<void>((resolve) => {
            const wake = () => {
              waiting.delete(wake);
              signal.removeEventListener('abort', wake);
              resolve();
            };
            waiting.add(wake);
            signal.addEventListener('abort', wake);
          });
          continue;
        }
        next += 1;
        yield event;
        if (event.type === 'ended') return;
      }
    },
    buildLog: async (agent, { run, step, at, limit = 500 }) => {
      await sleep(20);
      if (at === 'end')
        return ok(page(agent, run, step, page(agent, run, step, 1, 0).lines - limit + 1, limit));
      return ok(
        'from' in at
          ? page(agent, run, step, at.from, limit)
          : page(agent, run, step, Math.max(1, at.before - limit), Math.min(limit, at.before - 1)),
      );
    },
    followBuildLog: async function* (agent, { run, step }, start, signal) {
      const { lines } = page(agent, run, step, 1, 0);
      const isLive = () => !isRunEnded(runsOf(agent).find(({ id }) => id === run)?.state ?? 'DONE');
      let from = typeof start === 'object' && 'latest' in start ? Math.max(1, lines - start.latest + 1) : 1;
      // While it runs it comes bit by bit, from its first line on.
      if (isLive()) from = 1;
      while (from <= lines && !signal.aborted) {
        const count = isLive() ? 20 : 1_000;
        const { entries } = page(agent, run, step, from, count);
        yield entries;
        from += entries.length;
        if (isLive()) await sleep(100, undefined, { signal }).catch(() => {});
        else if (lines - from > 1_000) from = lines - 999;
      }
    },
    buildLogPart: async (_agent, { at, until = at + MAX_LOG_TEXT }) => {
      await sleep(20);
      return ok(logPart(at, until));
    },
    searchBuildLog: async (agent, { run, step, what, from, direction = 'forward' }) => {
      await sleep(50);
      const { lines } = page(agent, run, step, 1, 0);
      const by = direction === 'forward' ? 1 : -1;
      const until = 20_000;
      for (let seq = from, tried = 0; seq >= 1 && seq <= lines; seq += by, tried += 1) {
        if (tried >= until) return ok({ result: 'continue', next: seq });
        const { text } = logLine(step, seq, lines);
        const found =
          what === 'error' ? text.includes('error:') : text.toLowerCase().includes(what.text.toLowerCase());
        if (found) return ok({ result: 'found', seq });
      }
      return ok({ result: 'nowhere' });
    },
    setBuildNote: async (agent, id, note) => {
      const run = runsOf(agent).find((one) => one.id === id);
      if (run === undefined) return noRun(id);
      const { note: _, ...rest } = run;
      tell(agent, { ...rest, ...(note !== '' && { note }), lastSeq: run.lastSeq + 1 });
      return ok(undefined);
    },
    cleanBuild: async () => ok({ freed: 123_000_000 }),
    putSecret: async (_agent, name, value) => {
      secrets.set(name, new Date().toISOString());
      return ok({ name, masked: value.length >= 6 });
    },
    removeSecret: async (_agent, name) => {
      secrets.delete(name);
      return ok(undefined);
    },
    secretNames: async () => ok([...secrets].map(([name, updatedAt]) => ({ name, updatedAt }))),
    commitsBetween: async (_agent, { from, to }) => {
      await sleep(80);
      const number = (tag: string) => Number(/(\d+)$/.exec(tag)?.[1] ?? 0);
      const [a, b] = [number(from), number(to)];
      const count = Math.abs(a - b) * 3;
      return ok({
        direction: a === b ? 'same' : a < b ? 'forward' : 'backward',
        commits: Array.from({ length: count }, (_, at) => commitOf(Math.max(a, b) * 3 - at)),
        more: false,
      });
    },
    saveBuild: async (service, build, changes) => {
      await sleep(50);
      if (!disturbed && (changes.image?.version.includes('meanwhile') ?? false)) {
        disturbed = true;
        return err({ code: 'map-file-changed', message: 'The map file was changed by somebody else.' });
      }
      return applyEdit(store, service, build, changes, runsOf('alpha').length);
    },
    reloadMap: async () => {
      await sleep(50);
      if (disturbed) {
        const { agents, services } = store.getState();
        store.setState({
          agents,
          services: services.map((service) => ({
            ...service,
            builds: service.builds.map((one) => ({ ...one, source: { ...one.source, ref: 'release' } })),
          })),
        });
      }
      return ok(undefined);
    },
  };
}

/** As the map file would be changed, without one. */
function applyEdit(
  store: StoreApi<FleetState>,
  service: string,
  build: string,
  changes: BuildChanges,
  runs: number,
) {
  const state = store.getState();
  const agents = Object.keys(state.agents).map((name) => ({ name, url: `unix:///run/${name}.sock` }));
  const found = state.services.find(({ name }) => name === service);
  if (found === undefined)
    return err({ code: 'unknown-service', message: `There is no service ${service}.` });
  const text = formatMapFile(found, agents);
  const edited = editBuild(text, { service, build }, changes, { locked: lockedFields(runs) });
  if (!edited.ok) return edited;
  const read = parseMapFile(edited.value);
  if (!read.ok) return err({ code: 'invalid-map', message: 'It is no map any more.' });
  store.setState({ ...state, services: read.value.services });
  return ok(undefined);
}
