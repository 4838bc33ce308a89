import type { ContainerInspect, Engine } from '../engine/index.ts';
import {
  beginGate,
  type GateObservation,
  type GateRule,
  type GateState,
  gateView,
  lastHealthOutput,
  observeGate,
} from './gate.ts';

export type GateVerdict = Exclude<GateState, { verdict: 'waiting' }> | { verdict: 'cancelled' };

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

  private constructor(engine: Engine, id: string) {
    this.#engine = engine;
    this.#id = id;
    this.#opened.promise.catch(() => {});
    this.#read().catch((error: unknown) => {
      this.#failure = { error };
      this.#opened.reject(error);
      this.#signal();
    });
  }

  /** Returns once the engine tells its events. */
  static async open(engine: Engine, id: string): Promise<GateWatch> {
    const watch = new GateWatch(engine, id);
    await watch.#opened.promise;
    return watch;
  }

  /** To be called right after the start. */
  async verdict(rule: GateRule, restartCount: number, cancel: AbortSignal): Promise<GateVerdict> {
    let elapsed = rule.limitMs === 0;
    const timer = setTimeout(() => {
      elapsed = true;
      this.#signal();
    }, rule.limitMs);
    const onCancel = () => this.#signal();
    cancel.addEventListener('abort', onCancel, { once: true });
    try {
      let state = observeGate(beginGate(rule, restartCount), await this.#look(elapsed));
      let looked = elapsed;
      while (state.verdict === 'waiting') {
        if (cancel.aborted) return { verdict: 'cancelled' };
        if (this.#failure !== undefined) throw this.#failure.error;
        const next = this.#observed.shift();
        if (next !== undefined) {
          state = observeGate(state, next);
        } else if (elapsed && !looked) {
          looked = true;
          state = observeGate(state, await this.#look(true));
        } else {
          const { promise } = this.#wake;
          await promise;
        }
      }
      // What passed by a look may have ended by an event that was there before it.
      const died = this.#observed.find((observation) => observation.type !== 'health');
      if (state.verdict === 'passed' && died !== undefined) {
        const judged = observeGate(beginGate(rule, restartCount), died);
        return judged.verdict === 'waiting' ? state : judged;
      }
      return state.verdict === 'failed' && state.code === 'unhealthy' ? await this.#withOutput(state) : state;
    } finally {
      clearTimeout(timer);
      cancel.removeEventListener('abort', onCancel);
    }
  }

  close(): void {
    this.#stop.abort();
  }

  /** What the healthcheck itself said last is why it fails; nothing depends on having it. */
  async #withOutput(state: Extract<GateState, { verdict: 'failed' }>): Promise<GateVerdict> {
    const found = await this.#engine.inspectContainer(this.#id).catch(() => undefined);
    const output = found === undefined ? '' : lastHealthOutput(found);
    return output === '' ? state : { ...state, message: `${state.message}: ${output}` };
  }

  async #look(elapsed: boolean): Promise<GateObservation> {
    const found: ContainerInspect | undefined = await this.#engine.inspectContainer(this.#id);
    return found === undefined ? { type: 'gone' } : { type: 'inspected', seen: gateView(found), elapsed };
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
