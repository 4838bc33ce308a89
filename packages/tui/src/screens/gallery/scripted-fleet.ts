import { setTimeout as sleep } from 'node:timers/promises';
import { type BuildRun, isRunEnded, whyNoImage } from '@towline/core/build';
import { type Job, type JobEvent, type JobEventBody, reduceJob } from '@towline/core/job';
import { nothingDeployed, reduceWatchEvent } from '@towline/core/plan';
import type { ExecuteInput, ImageVersion } from '@towline/core/protocol';
import { err, ok } from '@towline/core/result';
import { createStore } from 'zustand/vanilla';
import type { Fleet } from '../../fleet/index.ts';
import { type JobScript, jobBodies, waitingBodies } from './job-script.ts';
import { digestOf, type Scene } from './scenes.ts';
import { scriptedBuilds } from './scripted-builds.ts';

const EVENT_MS = 60;

/**
 * A fleet that plays: what is executed runs through the events of a job, and ends by its tag: one with `exits` in it is
 * restored, with `broken` degraded, with `missing` refused, any other is done.
 */
export function scriptedFleet(scene: Scene): Fleet {
  const store = createStore(() => scene.state);
  const told = new Map<string, JobEvent[]>();
  const listeners = new Set<() => void>();
  let closed = false;
  let count = 0;

  const changeAgent = (name: string, job: Job) => {
    const state = store.getState();
    const agent = state.agents[name];
    if (agent === undefined) return;
    store.setState({
      ...state,
      agents: { ...state.agents, [name]: reduceWatchEvent(agent, { type: 'job', job }) },
    });
  };

  const deploy = (name: string, script: JobScript) => {
    const state = store.getState();
    const agent = state.agents[name];
    if (agent === undefined) return;
    const containers = { ...agent.containers };
    for (const { container, to } of script.tasks) {
      const before = containers[container];
      if (before !== undefined) {
        const image = before.image.replace(/:[^:/]*$/, `:${to}`);
        containers[container] = { ...before, image, tag: to, digest: digestOf(to), state: 'running' };
      }
    }
    store.setState({ ...state, agents: { ...state.agents, [name]: { ...agent, containers } } });
  };

  const tell = async (name: string, { id }: JobScript, bodies: readonly JobEventBody[]) => {
    for (const body of bodies) {
      const past = told.get(id) ?? [];
      const event: JobEvent = { ...body, seq: past.length + 1, at: new Date().toISOString() };
      told.set(id, [...past, event]);
      const job = [...past, event].reduce<Job | undefined>(reduceJob, undefined);
      if (job !== undefined) changeAgent(name, job);
      for (const listener of listeners) listener();
      if (closed) return;
      await sleep(EVENT_MS);
    }
  };

  const runOf = (name: string, tag: string): BuildRun | undefined =>
    Object.values(store.getState().agents[name]?.builds ?? {})
      .flat()
      .find((run) => run.tag === tag);

  /** The end of a run, or undefined where it is closed before. */
  const ended = (name: string, tag: string): Promise<BuildRun | undefined> =>
    new Promise((resolve) => {
      const look = () => {
        const run = runOf(name, tag);
        if (!closed && run !== undefined && !isRunEnded(run.state)) return;
        unsubscribe();
        resolve(closed ? undefined : run);
      };
      const unsubscribe = store.subscribe(look);
      look();
    });

  const play = async (name: string, script: JobScript) => {
    const waits = script.tasks.find(({ to }) => {
      const run = runOf(name, to);
      return run !== undefined && !isRunEnded(run.state);
    });
    if (waits === undefined) await tell(name, script, jobBodies(script));
    else {
      const { before, built, failed } = waitingBodies(script, waits.container);
      await tell(name, script, before);
      const run = await ended(name, waits.to);
      const why = run === undefined ? undefined : whyNoImage(run);
      await tell(
        name,
        script,
        why === undefined ? built : failed(`${why} ${nothingDeployed(script.server)}`),
      );
      if (why !== undefined) return;
    }
    if (script.outcome === 'DONE') deploy(name, script);
  };

  return {
    ...scriptedBuilds(store, () => closed),
    store,
    origin: scene.origin,
    readOnly: scene.readOnly,
    operator: 'ada@workstation',
    settled: async () => {},
    roundTrip: async () => ok(1),
    versions: async (agent, image) => {
      if (image.includes('fault')) throw new Error('a fault in the program itself');
      await sleep(200);
      if (image.includes('family')) {
        const message = `The registry does not answer ${agent}: connection refused. Is it running?`;
        return err({ code: 'registry-unavailable', message });
      }
      const versions = versionsOf(image);
      return ok({ versions, total: versions.length + 20 });
    },
    execute: async (agent, input) => {
      await sleep(50);
      count += 1;
      const script = scriptOf(input, `job-${count}`);
      void play(agent, script);
      return ok({ jobId: script.id, repeated: false });
    },
    restore: async (_, { server }) =>
      err({ code: 'refused', message: `${server} is not degraded: there is nothing to restore.` }),
    plan: async () => ok({ containers: [], steps: [] }),
    pruneList: async () => ok({ containers: [], images: [] }),
    prune: async () => ok({ removed: { containers: [], images: [] }, left: [] }),
    cancelJob: async () => ok(undefined),
    jobs: async (agent) => ok(Object.values(store.getState().agents[agent]?.jobs ?? {})),
    job: async (agent, id) => {
      const job = store.getState().agents[agent]?.jobs[id];
      return job === undefined ? err({ code: 'not-found', message: `There is no job ${id}.` }) : ok(job);
    },
    followJob: async function* (_agent, id, signal) {
      let next = 0;
      while (!signal.aborted) {
        const event = told.get(id)?.[next];
        if (event !== undefined) {
          next += 1;
          yield event;
          if (event.type === 'ended') return;
          continue;
        }
        await new Promise<void>((resolve) => {
          const wake = () => {
            listeners.delete(wake);
            signal.removeEventListener('abort', wake);
            resolve();
          };
          listeners.add(wake);
          signal.addEventListener('abort', wake);
        });
      }
    },
    logs: async function* (_agent, container, { signal }) {
      for (let at = 1; !signal.aborted && !closed; at += 1) {
        const stream = at % 7 === 0 ? 'stderr' : 'stdout';
        const path = at % 5 === 0 ? `/\u001b[31mred\u001b[0m/${'long/'.repeat(60)}` : '/health';
        yield { at: new Date().toISOString(), stream, line: `${at} ${container}: GET ${path} 200` };
        if (at > 300) await sleep(100, undefined, { signal }).catch(() => {});
      }
    },
    retryAgents: () => {},
    answerPassphrase: (_, passphrase) => {
      const { passphrase: __, ...state } = store.getState();
      const { beta } = state.agents;
      const message =
        'deploy@db-1: the key ~/.ssh/id_ed25519 would be accepted and its passphrase was not given.';
      const link = passphrase === undefined ? ({ state: 'lost', message } as const) : beta?.link;
      const agents =
        beta === undefined || link === undefined
          ? state.agents
          : { ...state.agents, beta: { ...beta, link } };
      store.setState({ ...state, agents }, true);
    },
    close: async () => {
      closed = true;
    },
  };
}

function tagOf(choice: ExecuteInput['choices'][number]['choice']): string | undefined {
  if (choice.mode === 'build-deploy') return choice.built;
  return choice.mode === 'latest' ? undefined : choice.tag;
}

function scriptOf(input: ExecuteInput, id: string): JobScript {
  const tasks = input.choices.map(({ container, choice }) => ({
    container,
    from: '1.0.0',
    to:
      tagOf(choice) ??
      input.containers.find(({ name }) => name === container)?.build?.latest?.tag ??
      'latest',
  }));
  const has = (word: string) => tasks.some(({ to }) => to.includes(word));
  const outcome = has('exits')
    ? 'RESTORED'
    : has('broken')
      ? 'DEGRADED'
      : has('missing')
        ? 'REFUSED'
        : 'DONE';
  return { id, server: input.server, tasks, outcome, start: Date.now() };
}

function versionsOf(image: string): ImageVersion[] {
  const major = image.includes('cache') ? 7 : image.includes('storefront') ? 2 : 1;
  const day = 86_400_000;
  return Array.from({ length: 31 }, (_, at): ImageVersion => {
    const tag = at === 0 ? 'latest' : `${major}.${Math.floor((30 - at) / 4)}.${(30 - at) % 4}`;
    return {
      tag,
      digest: digestOf(tag),
      size: 18_400_000 + at * 731_000,
      createdAt: new Date(Date.UTC(2026, 10, 20, 9, 30) - at * 3 * day).toISOString(),
    };
  });
}
