import { duration } from '../components/quantity.ts';
import { CallError } from '../link/index.ts';
import type { Fleet } from './fleet.ts';

export interface OutlastOptions {
  /** Aborted to turn away. */
  signal: AbortSignal;
  /** Told at once when the agent is away, and when it is back, in a sentence for people. */
  onLink?: ((said: string) => void) | undefined;
  /** How long the agent may be away, in milliseconds; for ever where it is infinite. */
  patienceMs?: number | undefined;
  /** What goes on without us, and how to see it again, in a sentence. */
  goesOn: string;
}

const PATIENCE_MS = 60_000;

/**
 * A stream of an agent over the times in which that is away. Ends with the stream or with `signal`. Throws what the stream
 * throws, and a `CallError` (`agent-unreachable`) where the agent was away for too long.
 */
export async function* outlast<T>(
  fleet: Fleet,
  agent: string,
  { signal, onLink, patienceMs = PATIENCE_MS, goesOn }: OutlastOptions,
  stream: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const gone = new AbortController();
  const stopWatching = watchAway(fleet, agent, patienceMs, { onAway: () => gone.abort(), onLink });
  let answered = false;
  try {
    yield* stream(AbortSignal.any([signal, gone.signal]));
    answered = !signal.aborted && !gone.signal.aborted;
  } finally {
    stopWatching(answered);
  }
  if (!gone.signal.aborted) return;
  const { link } = fleet.store.getState().agents[agent] ?? {};
  const why = link !== undefined && 'message' in link ? ` ${link.message}` : '';
  const message = `The agent ${agent} has been away for more than ${duration(patienceMs)}.${why} ${goesOn}`;
  throw new CallError({ code: 'agent-unreachable', message });
}

/**
 * Tells of a link that is lost and comes back, and calls once when it was not there for this long. What it returns ends it,
 * and is told whether the agent has answered.
 */
function watchAway(
  fleet: Fleet,
  agent: string,
  ms: number,
  { onAway, onLink }: { onAway(): void; onLink: ((said: string) => void) | undefined },
): (answered: boolean) => void {
  let timer: NodeJS.Timeout | undefined;
  let told = false;
  const back = () => {
    if (told) onLink?.(`The agent ${agent} is back.`);
    told = false;
  };
  const look = () => {
    const link = fleet.store.getState().agents[agent]?.link;
    if (link?.state === 'connected') {
      clearTimeout(timer);
      timer = undefined;
      back();
      return;
    }
    if (Number.isFinite(ms)) timer ??= setTimeout(onAway, ms);
    if (told || link === undefined || !('message' in link)) return;
    told = true;
    const why = link.message.replace(/ It is tried again\.$/, '');
    const long = Number.isFinite(ms) ? ` for up to ${duration(ms)}` : '';
    onLink?.(`The link to the agent ${agent} is lost: ${why} It is tried again${long}.`);
  };
  const unsubscribe = fleet.store.subscribe(look);
  look();
  return (answered) => {
    unsubscribe();
    clearTimeout(timer);
    // A stream that only the agent can have ended may be faster than the news of its link.
    if (answered) back();
  };
}
