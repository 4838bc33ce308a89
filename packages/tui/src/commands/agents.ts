import type { AgentView } from '@towline/core/plan';
import type { Command } from 'commander';
import { clockDifference } from '../components/index.ts';
import type { Fleet, MapSource } from '../fleet/index.ts';
import { type Context, printJson, type Run } from './context.ts';
import { formatTable, NOTHING } from './table.ts';
import { withFleet } from './with-fleet.ts';

export function addAgents(program: Command, run: Run): void {
  program
    .command('agents')
    .description('list every agent: reachable or the hop that failed, versions, engine, round trip')
    .action(() => run(agents));
}

/** Ends with 5 where one of them, or its engine, could not be reached. */
function agents(context: Context): Promise<number> {
  return withFleet(context, async (fleet, source) => {
    const views = Object.values(fleet.store.getState().agents);
    const found = await Promise.all(views.map((view) => agentDocument(fleet, source, view)));
    if (context.options.json) await printJson(context, { agents: found });
    else {
      for (const line of agentLines(found)) await context.output.result(line);
      for (const { name, message } of found) {
        if (message !== null) context.output.note(`${name}: ${message}`);
      }
    }
    return found.every(({ state }) => state === 'reachable') ? 0 : 5;
  });
}

type AgentDocument = Awaited<ReturnType<typeof agentDocument>>;

/** The table, and below it which clocks are off, and what each engine can't do. */
export function agentLines(found: readonly AgentDocument[]): string[] {
  const rows = found.map(({ name, state, caller, version, engine, roundTripMs, url, foundAt }) => [
    name,
    caller === null ? state : `${state} as ${caller.name}, ${caller.role}`,
    version ?? NOTHING,
    engine === null ? NOTHING : `${engine.name} ${engine.version}`,
    engine === null ? NOTHING : limitCount(engine.limits),
    roundTripMs === null ? NOTHING : `${roundTripMs.toFixed(1)} ms`,
    foundAt === null ? url : `${url} (found at ${foundAt})`,
  ]);
  return [
    ...formatTable(['AGENT', 'STATE', 'VERSION', 'ENGINE', 'LIMITS', 'ROUND TRIP', 'URL'], rows),
    ...found.flatMap(({ name, engine, clockAheadMs }) => {
      const clock = clockDifference(clockAheadMs ?? 0);
      return [...(clock === undefined ? [] : [`Its clock is ${clock}.`]), ...(engine?.limits ?? [])].map(
        (sentence) => `${name}: ${sentence}`,
      );
    }),
  ];
}

function limitCount(limits: readonly string[] = []): string {
  return limits.length === 0 ? 'none' : `${limits.length}, below`;
}

type AgentState = 'reachable' | 'engine-unreachable' | 'unreachable' | 'incompatible';

async function agentDocument(fleet: Fleet, source: MapSource, view: AgentView) {
  const { name, hello, link } = view;
  const foundAt = link.state === 'connected' ? link.foundAt : undefined;
  const trip = await fleet.roundTrip(name);
  const told = hello?.engine.state === 'reachable' ? hello.engine : undefined;
  const engine = told === undefined ? null : withoutState(told);
  return {
    name,
    url: urlOf(source, name),
    /** Its socket, where the url does not say which of the machine's agents it is. */
    foundAt: foundAt ?? null,
    state: stateOf(view),
    message: whyNot(view) ?? null,
    version: hello?.version ?? null,
    protocol: hello?.protocol ?? null,
    /** Whose token this end came with, and what it may do there. */
    caller: hello?.caller ?? null,
    /** By how much its clock is at least ahead of this machine's; negative where it is behind. */
    clockAheadMs: hello?.now === undefined ? null : view.clockAheadMs,
    engine,
    roundTripMs: trip.ok ? Math.round(trip.value * 100) / 100 : null,
  };
}

function withoutState<T extends { state: string }>({ state: _, ...rest }: T): Omit<T, 'state'> {
  return rest;
}

function stateOf({ link, engineLost }: AgentView): AgentState {
  switch (link.state) {
    case 'connected':
      return engineLost === undefined ? 'reachable' : 'engine-unreachable';
    case 'incompatible':
      return 'incompatible';
    case 'connecting':
    case 'lost':
      return 'unreachable';
  }
}

function whyNot({ link, engineLost }: AgentView): string | undefined {
  return link.state === 'lost' || link.state === 'incompatible' ? link.message : engineLost;
}

function urlOf(source: MapSource, name: string): string {
  if (source.kind === 'local') return source.agent.url;
  return source.map.agents.find((agent) => agent.name === name)?.url ?? NOTHING;
}
