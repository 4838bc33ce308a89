import { userInfo } from 'node:os';
import {
  executeOutputSchema,
  executePlanSchema,
  helloSchema,
  prunedSchema,
  pruneListSchema,
  versionsOutputSchema,
} from '@towline/core/answers';
import { lockedFields } from '@towline/core/build';
import { jobSchema } from '@towline/core/job';
import {
  type AgentDefinition,
  editBuild,
  LOCAL,
  type MapFile,
  mapFromContainers,
  type ServiceDefinition,
} from '@towline/core/map';
import { type AgentView, initialAgentView, reduceWatchEvent, viewerOf } from '@towline/core/plan';
import {
  BUILDS_CAPABILITY,
  cancelJobInputSchema,
  PLAN_CAPABILITY,
  PROTOCOL_VERSION,
  PRUNE_CAPABILITY,
  RESTORE_CAPABILITY,
  UPDATE_AGENT,
} from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import { type Refusal, readOnlyRefusal, viewerRefusal } from '@towline/core/rules';
import {
  type AgentAddress,
  type AgentLink,
  type AskPassphrase,
  agentAddress,
  agentOfSocket,
  CallError,
  type CallFailure,
  createLink,
  createTransports,
  jobEvents,
  type LocalAgent,
  unreachable,
} from '../link/index.ts';
import { createBuildCalls } from './build-calls.ts';
import type { Fleet, FleetState } from './fleet.ts';
import { mapOnDisk, type SaveFailure } from './map-on-disk.ts';
import { operatorName } from './operator.ts';
import { createPacedStore } from './paced-store.ts';
import { createPassphraseDesk } from './passphrase-desk.ts';
import type { MapText } from './read-map-file.ts';

/** Where the map comes from: a file that was read, or what the engine of this machine runs. */
export type MapSource = ({ kind: 'file'; path: string } & MapText) | { kind: 'local'; agent: LocalAgent };

export interface OpenFleetOptions {
  source: MapSource;
  readOnly: boolean;
  env: Readonly<Record<string, string | undefined>>;
  /** This program's version, for the agents' hello. */
  version: string;
  /** Who is asked for the passphrase of an SSH key: whoever looks at the store, or somebody else; else nobody. */
  askPassphrase?: 'in-store' | AskPassphrase;
}

const TELL_EVERY_MS = 100;

/** Begins to link all agents of the map; `settled` says when there is something to show. */
export function openFleet(options: OpenFleetOptions): Fleet {
  const { source, readOnly, env, version, askPassphrase } = options;
  const definitions: readonly AgentDefinition[] =
    source.kind === 'file' ? source.map.agents : [{ name: LOCAL, url: source.agent.url }];
  const paced = createPacedStore<FleetState>(
    {
      services: source.kind === 'file' ? source.map.services : [],
      agents: Object.fromEntries(definitions.map(({ name }) => [name, initialAgentView(name)])),
    },
    TELL_EVERY_MS,
  );
  const desk = createPassphraseDesk((question) =>
    paced.update(({ passphrase: _, ...rest }) =>
      question === undefined ? rest : { ...rest, passphrase: question },
    ),
  );
  const transports = createTransports({
    env,
    ...(source.kind === 'file' && { mapFile: source.path }),
    ...(askPassphrase !== undefined && {
      askPassphrase: askPassphrase === 'in-store' ? desk.ask : askPassphrase,
    }),
  });
  const links = new Map<string, AgentLink>();
  const firsts: Promise<void>[] = [];

  for (const definition of definitions) {
    const { name, url } = definition;
    const first = Promise.withResolvers<void>();
    firsts.push(first.promise);
    const change = (next: (view: AgentView) => AgentView) => {
      paced.update((state) => {
        const before = state.agents[name];
        if (before === undefined) return state;
        const view = next(before);
        if (view === before) return state;
        const services = servicesOf(source, state.services, before, view);
        return { ...state, services, agents: { ...state.agents, [name]: view } };
      });
      const view = paced.latest().agents[name];
      if (view !== undefined && hasTold(view)) first.resolve();
    };
    const address = agentAddress(url);
    // The agents of this machine are started where they do not run, also where a map file names their sockets.
    const own = ownAgent(source, address, env);
    links.set(
      name,
      createLink({
        transport: address.ok ? transports.to(address.value, definition) : address,
        version,
        ...(own !== undefined && { prepare: own.ensure, whyOther: own.whyOther }),
        listener: {
          onState: (link) => change((view) => ({ ...view, link })),
          onHello: (hello, clockAheadMs) => change((view) => ({ ...view, hello, clockAheadMs })),
          onWatch: (event) => change((view) => reduceWatchEvent(view, event)),
        },
      }),
    );
  }

  const link = (agent: string): Result<AgentLink, CallFailure> => {
    const found = links.get(agent);
    return found === undefined ? err(unreachable(`The map names no agent "${agent}".`)) : ok(found);
  };
  const closed = new AbortController();
  const operator = operatorName(env, loginName());
  const file = source.kind === 'file' ? mapOnDisk(source.path, source) : undefined;
  const linkThatCan = (agent: string, capability: string, what: string): Result<AgentLink, CallFailure> => {
    const { hello } = paced.latest().agents[agent] ?? {};
    return hello === undefined || hello.capabilities.includes(capability)
      ? link(agent)
      : err(tooOld(agent, hello.version, what));
  };
  const builderLink = (agent: string) => linkThatCan(agent, BUILDS_CAPABILITY, 'build');
  const whyNot = (agent: string): CallFailure | undefined => {
    const viewer = viewerOf(paced.latest().agents[agent]);
    if (readOnly) return refused(readOnlyRefusal('change something'));
    return viewer === undefined ? undefined : refused(viewerRefusal(agent, viewer));
  };
  const builds = createBuildCalls({ link: builderLink, operator, whyNot });
  const take = ({ services }: MapFile) => {
    paced.update(({ mapChanged: _, ...rest }) => ({ ...rest, services }));
    paced.flush();
  };
  // Asked now and then: what tells of a change by itself is lost with the file that an editor puts another in the place of.
  const look = async () => {
    if (file === undefined) return;
    const current = await file.isCurrent();
    paced.update((state) => {
      if (current === (state.mapChanged === undefined)) return state;
      const { mapChanged: _, ...rest } = state;
      return current ? rest : { ...rest, mapChanged: true };
    });
  };
  const looking = setInterval(look, LOOK_EVERY_MS);
  looking.unref();

  return {
    ...builds,
    store: paced.store,
    origin: source.kind === 'file' ? source.path : 'local engine',
    readOnly,
    operator,
    async settled() {
      const closing = new Promise<void>((resolve) => {
        closed.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([Promise.all(firsts), closing]);
      paced.flush();
    },
    async versions(agent, image, limit) {
      const to = link(agent);
      if (!to.ok) return to;
      const input = limit === undefined ? { image } : { image, limit };
      return to.value.call((client) => client.versions.query(input), versionsOutputSchema);
    },
    async execute(agent, input) {
      const against = whyNot(agent);
      if (against !== undefined) return err(against);
      const to = link(agent);
      if (!to.ok) return to;
      return to.value.insist((client) => client.execute.mutate(input), executeOutputSchema, EXECUTE_DOUBT);
    },
    async restore(agent, input) {
      const against = whyNot(agent);
      if (against !== undefined) return err(against);
      const to = linkThatCan(agent, RESTORE_CAPABILITY, 'restore a server');
      if (!to.ok) return to;
      return to.value.insist((client) => client.restore.mutate(input), executeOutputSchema, EXECUTE_DOUBT);
    },
    async plan(agent, input) {
      const to = linkThatCan(agent, PLAN_CAPABILITY, 'tell what it would do');
      return to.ok ? to.value.call((client) => client.plan.query(input), executePlanSchema) : to;
    },
    async pruneList(agent, rules) {
      const to = linkThatCan(agent, PRUNE_CAPABILITY, 'prune');
      return to.ok ? to.value.call((client) => client.pruneList.query(rules), pruneListSchema) : to;
    },
    async prune(agent, input) {
      const against = whyNot(agent);
      if (against !== undefined) return err(against);
      const to = linkThatCan(agent, PRUNE_CAPABILITY, 'prune');
      return to.ok ? to.value.call((client) => client.prune.mutate(input), prunedSchema) : to;
    },
    async cancelJob(agent, id) {
      const against = whyNot(agent);
      if (against !== undefined) return err(against);
      const to = link(agent);
      if (!to.ok) return to;
      const answer = await to.value.call(
        (client) => client.cancelJob.mutate({ id, operator }),
        cancelJobInputSchema,
      );
      return answer.ok ? ok(undefined) : answer;
    },
    async jobs(agent, limit) {
      const to = link(agent);
      if (!to.ok) return to;
      const input = limit === undefined ? {} : { limit };
      return to.value.call((client) => client.jobs.query(input), jobSchema.array());
    },
    async job(agent, id) {
      const to = link(agent);
      return to.ok ? to.value.call((client) => client.job.query({ id }), jobSchema) : to;
    },
    async *followJob(agent, id, signal) {
      const to = link(agent);
      if (!to.ok) throw new CallError(to.error);
      yield* to.value.follow(jobEvents(id), signal);
    },
    async *logs(agent, container, options) {
      const to = link(agent);
      if (!to.ok) throw new CallError(to.error);
      yield* to.value.logs(container, options);
    },
    async roundTrip(agent) {
      const to = link(agent);
      if (!to.ok) return to;
      const since = performance.now();
      const hello = await to.value.call(
        (client) => client.hello.query({ protocol: PROTOCOL_VERSION, version }),
        helloSchema,
      );
      return hello.ok ? ok(performance.now() - since) : hello;
    },
    async saveBuild(service, build, changes) {
      if (readOnly) return err(READ_ONLY_SAVE);
      if (file === undefined) return err(NO_MAP_FILE);
      const before = file
        .map()
        .services.find(({ name }) => name === service)
        ?.builds.find(({ name }) => name === build);
      const renames = changes.image !== undefined && changes.image.name !== before?.image.name;
      // Only its agent knows whether a build has run.
      const runs =
        before !== undefined && renames
          ? await builds.buildRuns(before.agent, { service, build, limit: 1 })
          : undefined;
      if (runs?.ok === false) {
        const message = `Whether the image's name may be changed only ${before?.agent} knows, and it could not be asked: ${runs.error.message}`;
        return err({ code: runs.error.code, message });
      }
      const locked = lockedFields(runs?.value.everRun ?? 0);
      const saved = await file.change((text) => editBuild(text, { service, build }, changes, { locked }));
      if (!saved.ok) return saved;
      take(saved.value);
      return ok(undefined);
    },
    async reloadMap() {
      if (file === undefined) return err(NO_MAP_FILE);
      const known = JSON.stringify(definitions);
      const read = await file.reload(({ agents }) =>
        JSON.stringify(agents) === known ? ok(undefined) : err(OTHER_AGENTS),
      );
      if (!read.ok) return read;
      take(read.value);
      return ok(undefined);
    },
    retryAgents() {
      transports.askAgain();
      for (const each of links.values()) each.retry();
    },
    answerPassphrase(id, passphrase) {
      desk.answer(id, passphrase);
      // The question is not to be seen any more once it is answered.
      paced.flush();
    },
    async close() {
      closed.abort();
      clearInterval(looking);
      await Promise.all([...links.values()].map((each) => each.close()));
      await transports.close();
      paced.flush();
    },
  };
}

function ownAgent(
  source: MapSource,
  address: Result<AgentAddress>,
  env: OpenFleetOptions['env'],
): LocalAgent | undefined {
  if (source.kind === 'local') return source.agent;
  return address.ok && address.value.kind === 'unix' ? agentOfSocket(address.value.path, { env }) : undefined;
}

function refused(refusal: Refusal): CallFailure {
  return { code: 'refused', message: refusal.message, refusal };
}

function tooOld(agent: string, version: string, what: string): CallFailure {
  const message = `The agent ${agent} (${version}) is too old to ${what}. ${UPDATE_AGENT}`;
  return { code: 'refused', message, refusal: { code: 'not-supported', message } };
}

/** How often the map file is compared with what was read of it. */
const LOOK_EVERY_MS = 2_000;
const EXECUTE_DOUBT = 'Whether the job was begun is not known: `towline jobs` says, once the agent is back.';
const NO_MAP_FILE: SaveFailure = {
  code: 'no-map-file',
  message: 'There is no map file to save to. `towline map init` writes one from what this machine runs.',
};
const READ_ONLY_SAVE: SaveFailure = {
  code: 'read-only',
  message: 'Towline was started with --read-only: the map file is not changed. Start it without.',
};
const OTHER_AGENTS: SaveFailure = {
  code: 'other-agents',
  message: 'The map file names other agents than before. Start towline again to connect to them.',
};

/** Whether an agent has told what it has, or failed to. */
function hasTold(view: AgentView): boolean {
  return (
    view.known ||
    view.engineLost !== undefined ||
    view.link.state === 'lost' ||
    view.link.state === 'incompatible'
  );
}

/** Without a map file the services are what the engine runs, made anew as that changes. */
function servicesOf(
  source: MapSource,
  services: readonly ServiceDefinition[],
  before: AgentView,
  { known, containers, hello }: AgentView,
): readonly ServiceDefinition[] {
  if (source.kind === 'file' || !known) return services;
  if (before.known && before.containers === containers && before.hello === hello) return services;
  const name = hello?.engine.state === 'reachable' ? hello.engine.name : LOCAL;
  const next = [mapFromContainers(Object.values(containers), name)];
  // Most changes are of a container's state, which is no part of the map.
  return JSON.stringify(next) === JSON.stringify(services) ? services : next;
}

/** Undefined where the system has no name for this user, as in some containers. */
function loginName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
