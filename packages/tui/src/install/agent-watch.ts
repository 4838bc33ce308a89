import { isRunEnded } from '@towline/core/build';
import { isEnded } from '@towline/core/job';
import { type AgentView, initialAgentView, reduceWatchEvent } from '@towline/core/plan';
import type { Hello } from '@towline/core/protocol';
import type { Result } from '@towline/core/result';
import { createLink, type Transport } from '../link/index.ts';

/** One agent, looked at for as long as it is being exchanged. */
export interface AgentWatch {
  view(): AgentView;
  /** Fulfilled once `wanted` is true of what is known of it, and with false when `signal` is aborted before. */
  until(wanted: (view: AgentView) => boolean, signal: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

/** An agent that is started again should be seen soon. */
const BACKOFF = { firstMs: 200, capMs: 1_000 };

export function watchAgent(transport: Result<Transport>, version: string): AgentWatch {
  let view = initialAgentView('agent');
  const listeners = new Set<() => void>();
  const change = (next: AgentView) => {
    view = next;
    for (const listener of listeners) listener();
  };
  const link = createLink({
    transport,
    version,
    backoff: BACKOFF,
    listener: {
      onState: (state) => change({ ...view, link: state }),
      onHello: (hello) => change({ ...view, hello }),
      onWatch: (event) => change(reduceWatchEvent(view, event)),
    },
  });
  return {
    view: () => view,
    until(wanted, signal) {
      return new Promise((resolve) => {
        const finish = (found: boolean) => {
          listeners.delete(look);
          signal.removeEventListener('abort', onAbort);
          resolve(found);
        };
        const look = () => {
          if (wanted(view)) finish(true);
        };
        const onAbort = () => finish(false);
        listeners.add(look);
        signal.addEventListener('abort', onAbort, { once: true });
        if (signal.aborted) onAbort();
        else look();
      });
    },
    close: () => link.close(),
  };
}

/** Whether it has said what goes on, or why it says nothing. */
export function hasTold({ link, known }: AgentView): boolean {
  return (link.state === 'connected' && known) || link.state === 'lost' || link.state === 'incompatible';
}

/** Whether another process answers than the one before. */
export function isAnother(view: AgentView, before: Hello | undefined): boolean {
  if (view.link.state === 'incompatible') return true;
  return (
    view.link.state === 'connected' && view.hello !== undefined && view.hello.startedAt !== before?.startedAt
  );
}

/** What goes on there, in a line for each: jobs that wait or run, and runs of builds. */
export function activeWork({ jobs, builds }: AgentView): string[] {
  return [
    ...Object.values(jobs)
      .filter(({ state }) => !isEnded(state))
      .map(
        ({ id, service, map, server, state, operator }) =>
          `job ${id} on ${service}/${map}/${server}: ${state}, by ${operator}`,
      ),
    ...Object.values(builds)
      .flat()
      .filter(({ state }) => !isRunEnded(state))
      .map(({ service, build, tag, state }) => `build ${service}/${build} ${tag}: ${state}`),
  ];
}
