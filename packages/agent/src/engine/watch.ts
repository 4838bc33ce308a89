import type { ObservedContainer } from '@towline/core/protocol';
import { type Engine, EngineError } from './engine.ts';

/** A part of the protocol's watch events: what the engine alone tells. */
export type EngineWatchEvent =
  | { type: 'snapshot'; containers: ObservedContainer[] }
  | { type: 'container'; container: ObservedContainer }
  | { type: 'container-gone'; id: string; name: string }
  | { type: 'engine-lost'; message: string };

/** One reader of the watch. */
export interface EngineSubscription {
  /** What happened since the last call: a snapshot first, then changes. Empty where nothing did. */
  take(): EngineWatchEvent[];
  close(): void;
}

export interface EngineWatch {
  /** `onChange` is called whenever there is something to take; it must not throw. */
  subscribe(onChange: () => void): EngineSubscription;
}

/** Between attempts to reach an engine that is away: doubled each time, from the first to the last. */
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 500;

/** An engine that hangs goes on holding its stream of events: it is asked this often whether it is there, and has as long to answer. */
const PING_MS = 10_000;

/**
 * Watches all containers of an engine by its own events, with one stream for all readers, and none while there is no
 * reader. When the engine goes away, or answers no more, it says so once, and makes a new snapshot when it is back; nothing is
 * polled while it is there but whether it is. A reader that is slow gets the latest state of each container and not every one between, so what waits
 * for it is bounded by their number.
 */
export function createEngineWatch(engine: Engine, pingMs = PING_MS): EngineWatch {
  return new SharedWatch(engine, pingMs);
}

/** What one reader has not taken yet. */
interface Pending {
  /** Whether everything is to be told anew. */
  snapshot: boolean;
  lost: boolean;
  changed: Set<string>;
  /** By id: the name that it had. */
  gone: Map<string, string>;
  onChange: () => void;
}

class SharedWatch implements EngineWatch {
  readonly #engine: Engine;
  readonly #pingMs: number;
  readonly #readers = new Set<Pending>();
  /** By id; undefined while no snapshot has been made, or none that still counts. */
  #known: Map<string, ObservedContainer> | undefined;
  #lost: string | undefined;
  #running: AbortController | undefined;

  constructor(engine: Engine, pingMs: number) {
    this.#engine = engine;
    this.#pingMs = pingMs;
  }

  subscribe(onChange: () => void): EngineSubscription {
    const reader: Pending = {
      snapshot: this.#known !== undefined,
      lost: this.#lost !== undefined,
      changed: new Set(),
      gone: new Map(),
      onChange,
    };
    this.#readers.add(reader);
    if (this.#running === undefined) this.#start();
    return {
      take: () => this.#take(reader),
      close: () => {
        this.#readers.delete(reader);
        if (this.#readers.size === 0) this.#stop();
      },
    };
  }

  #take(reader: Pending): EngineWatchEvent[] {
    const events: EngineWatchEvent[] = [];
    if (reader.snapshot && this.#known !== undefined) {
      events.push({ type: 'snapshot', containers: [...this.#known.values()] });
    } else {
      // Those that went come first: another may have taken the name.
      for (const [id, name] of reader.gone) events.push({ type: 'container-gone', id, name });
      for (const id of reader.changed) {
        const container = this.#known?.get(id);
        if (container !== undefined) events.push({ type: 'container', container });
      }
    }
    if (reader.lost && this.#lost !== undefined) events.push({ type: 'engine-lost', message: this.#lost });
    reader.snapshot = false;
    reader.lost = false;
    reader.changed.clear();
    reader.gone.clear();
    return events;
  }

  #tell(note: (reader: Pending) => void): void {
    for (const reader of this.#readers) {
      note(reader);
      reader.onChange();
    }
  }

  #start(): void {
    const running = new AbortController();
    this.#running = running;
    void this.#run(running.signal);
  }

  #stop(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#known = undefined;
    this.#lost = undefined;
  }

  /** Until `signal`. Whatever goes wrong is an engine that can't be watched now, and tried again. */
  async #run(signal: AbortSignal): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      const message = await this.#watchConnected(signal, () => {
        retryMs = FIRST_RETRY_MS;
      });
      if (signal.aborted) return;
      this.#known = undefined;
      if (this.#lost === undefined) {
        this.#lost = message;
        this.#tell((reader) => {
          reader.lost = true;
          reader.snapshot = false;
          reader.changed.clear();
          reader.gone.clear();
        });
      }
      await pause(retryMs, signal);
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    }
  }

  /** One connection's worth; returns why it ended. */
  async #watchConnected(signal: AbortSignal, onSnapshot: () => void): Promise<string> {
    const ended = new AbortController();
    const connected = AbortSignal.any([signal, ended.signal]);
    const opened = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<never>();
    /** Those that something happened to before the list was made. */
    const early = new Set<string>();
    let look = (id: string): void => void early.add(id);
    this.#read(connected, opened.resolve, (id) => look(id)).catch(failed.reject);
    try {
      // Listening comes first: what changes while the list is made is looked at again.
      await Promise.race([opened.promise, failed.promise]);
      const containers = await Promise.race([this.#engine.listContainers(), failed.promise]);
      if (signal.aborted) return '';
      const known = new Map(containers.map((container) => [container.id, container]));
      this.#known = known;
      this.#lost = undefined;
      onSnapshot();
      this.#tell((reader) => {
        reader.snapshot = true;
        reader.lost = false;
      });
      look = oneAtATime((id) => this.#look(id, known), failed.reject);
      for (const id of early) look(id);
      this.#ping(connected).catch(failed.reject);
      return await failed.promise;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      ended.abort();
    }
  }

  /** Rejects when the engine does not answer. */
  async #ping(signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(this.#pingMs, signal);
      if (signal.aborted) return;
      await this.#engine.ping(this.#pingMs);
    }
  }

  /** Rejects when the stream of events ends, for whatever reason. */
  async #read(signal: AbortSignal, onOpen: () => void, onContainer: (id: string) => void): Promise<never> {
    for await (const event of this.#engine.events(signal, onOpen)) onContainer(event.id);
    throw new EngineError('unreachable', 'The watch was ended.');
  }

  async #look(id: string, known: Map<string, ObservedContainer>): Promise<void> {
    const before = known.get(id);
    const now = await this.#engine.observe(id, before);
    // A connection that was lost meanwhile has no say any more.
    if (this.#known !== known) return;
    if (now === undefined) {
      if (before === undefined) return;
      known.delete(id);
      this.#tell((reader) => {
        reader.changed.delete(id);
        reader.gone.set(id, before.name);
      });
    } else if (JSON.stringify(before) !== JSON.stringify(now)) {
      known.set(id, now);
      this.#tell((reader) => reader.changed.add(id));
    }
  }
}

/**
 * Does the work for each id that it is called with: for one id never twice at a time, and once more where it was called
 * meanwhile. One container that the engine is slow to inspect holds no other up.
 */
function oneAtATime(
  work: (id: string) => Promise<void>,
  onError: (error: unknown) => void,
): (id: string) => void {
  /** Whether it is to be done once more. */
  const again = new Map<string, boolean>();
  const run = async (id: string) => {
    do {
      again.set(id, false);
      await work(id);
    } while (again.get(id));
    again.delete(id);
  };
  return (id) => {
    if (again.has(id)) again.set(id, true);
    else run(id).catch(onError);
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
