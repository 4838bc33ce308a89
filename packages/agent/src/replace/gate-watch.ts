import { setTimeout as wait } from 'node:timers/promises';
import type { Probe } from '@towline/core/protocol';
import { type ContainerInspect, type Engine, EngineError } from '../engine/index.ts';
import { type Answer, type AskedPlace, ask } from './ask.ts';
import { findReach } from './find-reach.ts';
import {
  beginGate,
  type GateObservation,
  type GateRule,
  type GateState,
  gateStanding,
  gateView,
  observeGate,
} from './gate.ts';
import { jsonOf } from './json.ts';
import { viewOfContainer } from './probe-reach.ts';

export type GateVerdict = Exclude<GateState, { verdict: 'waiting' }> | { verdict: 'cancelled' };

export interface GateOptions {
  /** What the engine had counted before the start: 0 for a new container. */
  restartCount: number;
  cancel: AbortSignal;
  /** Told how it stands, after everything that is seen. */
  onStanding?: (standing: { tries: number; words: string }) => void;
}

/** An engine tells when a healthcheck has come to a verdict, and not how it stands before; one without events tells nothing. */
const LOOK_MS = 1_000;

/**
 * Watches one container from before its start, so that no exit is missed, and says whether it passes. Rejects with
 * `EngineError` where the engine goes away meanwhile.
 */
export class GateWatch {
  readonly #engine: Engine;
  readonly #id: string;
  readonly #stop = new AbortController();
  readonly #observed: GateObservation[] = [];
  readonly #opened = Promise.withResolvers<void>();
  #wake = Promise.withResolvers<void>();
  #failure: { error: unknown } | undefined;
  #isTold = true;

  private constructor(engine: Engine, id: string) {
    this.#engine = engine;
    this.#id = id;
  }

  /** Returns once the engine tells its events. */
  static async open(engine: Engine, id: string): Promise<GateWatch> {
    const watch = new GateWatch(engine, id);
    watch.#opened.promise.catch(() => {});
    watch.#read().catch((error: unknown) => {
      watch.#fail(error);
      watch.#opened.reject(error);
    });
    await watch.#opened.promise;
    return watch;
  }

  /**
   * The like for a server that has to serve again, whatever can be seen of it: where the engine does not tell its events, the
   * container is looked at once a second.
   */
  static async openOrLook(engine: Engine, id: string): Promise<GateWatch> {
    try {
      return await GateWatch.open(engine, id);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      const watch = new GateWatch(engine, id);
      watch.#isTold = false;
      return watch;
    }
  }

  /** To be called right after the start. */
  async verdict(rule: GateRule, { restartCount, cancel, onStanding }: GateOptions): Promise<GateVerdict> {
    let elapsed = rule.limitMs === 0;
    /** Whether something happened after which the container itself is looked at. */
    let due = true;
    const look = () => {
      due = true;
      this.#signal();
    };
    const limit = setTimeout(() => {
      if (elapsed) return;
      elapsed = true;
      look();
    }, rule.limitMs);
    const looks = rule.kind === 'healthcheck' || !this.#isTold ? setInterval(look, LOOK_MS) : undefined;
    const onCancel = () => this.#signal();
    cancel.addEventListener('abort', onCancel, { once: true });
    const over = new AbortController();
    if (rule.kind === 'probe') this.#ask(rule.probe, over.signal).catch((error) => this.#fail(error));
    let state = beginGate(rule, restartCount);
    try {
      while (state.verdict === 'waiting') {
        if (cancel.aborted) return { verdict: 'cancelled' };
        if (this.#failure !== undefined) throw this.#failure.error;
        const next = this.#observed.shift();
        if (next !== undefined) {
          state = observeGate(state, next);
          // A good answer lets it through if it is still the one that was started.
          if (next.type === 'answered' && next.ok) due = true;
        } else if (due) {
          due = false;
          state = observeGate(state, await this.#look(elapsed));
        } else {
          const { promise } = this.#wake;
          await promise;
        }
        const standing = gateStanding(state);
        if (standing !== undefined) onStanding?.(standing);
      }
      // What passed by a look may have ended by an event that was there before it.
      const ended = this.#observed.find(({ type }) => type === 'died' || type === 'gone');
      if (state.verdict === 'passed' && ended !== undefined) {
        const judged = observeGate(beginGate(rule, restartCount), ended);
        return judged.verdict === 'waiting' ? state : judged;
      }
      return state.verdict === 'failed' && state.code === 'unhealthy'
        ? await this.#withOutput(state, rule, restartCount)
        : state;
    } finally {
      clearTimeout(limit);
      clearInterval(looks);
      over.abort();
      cancel.removeEventListener('abort', onCancel);
    }
  }

  close(): void {
    this.#stop.abort();
  }

  /** What the healthcheck itself said last is why it fails; nothing depends on having it. */
  async #withOutput(
    state: Extract<GateState, { verdict: 'failed' }>,
    rule: GateRule,
    restartCount: number,
  ): Promise<GateVerdict> {
    const seen = await this.#look(false).catch(() => undefined);
    if (seen === undefined) return state;
    const again = observeGate(beginGate(rule, restartCount), seen);
    return again.verdict === 'failed' && again.code === state.code ? again : state;
  }

  async #look(elapsed: boolean): Promise<GateObservation> {
    const found: ContainerInspect | undefined = await this.#engine.inspectContainer(this.#id);
    return found === undefined ? { type: 'gone' } : { type: 'inspected', seen: gateView(found), elapsed };
  }

  /** Asks until it is `over`, a pause after each answer. */
  async #ask({ check, intervalMs, timeoutMs }: Probe, over: AbortSignal): Promise<void> {
    const from = performance.now();
    const info = await this.#engine.info();
    const rootless = info.ok && info.value.rootless;
    let place: AskedPlace | string = '';
    while (!over.aborted) {
      const askedMs = performance.now() - from;
      // Once it is known it stays: a container that starts again gets no further.
      if (typeof place === 'string') place = await this.#placeOf(check, rootless);
      const answer: Answer =
        typeof place === 'string' ? { ok: false, words: place } : await ask(check, place, timeoutMs, over);
      if (over.aborted) return;
      this.#observed.push({ type: 'answered', askedMs, ...answer });
      this.#signal();
      await wait(intervalMs, undefined, { signal: over }).catch(() => undefined);
    }
  }

  /** Where to ask, or why that is not known. */
  async #placeOf(check: Probe['check'], rootless: boolean): Promise<AskedPlace | string> {
    const found = await this.#engine.inspectContainer(this.#id);
    if (found === undefined) return 'it is gone';
    const reach = await findReach(this.#engine, rootless, viewOfContainer(jsonOf(found)), check);
    switch (reach.kind) {
      case 'at':
        return reach.place;
      case 'later':
        return 'it has no address';
      case 'never':
        return reach.why;
    }
  }

  async #read(): Promise<void> {
    for await (const event of this.#engine.events(this.#stop.signal, () => this.#opened.resolve())) {
      if (event.id !== this.#id) continue;
      const observation = observationOf(event.action, event.attributes);
      if (observation === undefined) continue;
      this.#observed.push(observation);
      this.#signal();
    }
  }

  #fail(error: unknown): void {
    this.#failure = { error };
    this.#signal();
  }

  #signal(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }
}

function observationOf(
  action: string,
  attributes: Readonly<Record<string, string>>,
): GateObservation | undefined {
  if (action === 'die') {
    const code = Number(attributes.exitCode);
    return {
      type: 'died',
      exitCode: attributes.exitCode === undefined || Number.isNaN(code) ? undefined : code,
    };
  }
  if (action === 'destroy') return { type: 'gone' };
  const health = /^health_status: (\w+)$/.exec(action)?.[1];
  return health === undefined ? undefined : { type: 'health', status: health };
}
