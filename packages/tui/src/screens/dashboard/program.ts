import { buildPipeline, type Pipeline } from '@towline/core/plan';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Fleet, FleetState } from '../../fleet/index.ts';
import type { Key } from '../../keys/index.ts';
import type { Frame } from '../frame.ts';
import { openMaps } from '../maps/index.ts';
import type { Size, World } from '../world.ts';
import { createExecutor } from './executor.ts';
import { farewell } from './farewell.ts';
import type { Message } from './message.ts';
import { initialModel, type Model, type Place } from './model.ts';
import { subscriptionsOf } from './subscriptions.ts';
import { update } from './update.ts';
import { view } from './view.ts';

export interface ProgramOptions {
  fleet: Fleet;
  /** The map to show; without one, the picking of one comes first. */
  place: Place | undefined;
  size: Size;
  now: () => number;
  quit: (code: number) => void;
  suspend: () => void;
}

/** The dashboard without its terminal: keys in, frames out. */
export interface Program {
  frames: StoreApi<{ frame: Frame }>;
  press(keys: readonly Key[]): void;
  paste(text: string): void;
  resize(size: Size): void;
  /** What goes on when it is left now, in lines for the operator's own screen. */
  farewell(): string[];
  close(): void;
}

/** Ages and running times count seconds. */
const TICK_MS = 1000;

export function createProgram(options: ProgramOptions): Program {
  const { fleet } = options;
  let size = options.size;
  let model: Model = initialModel(options.place);
  const pipelineOf = rememberPipeline(fleet.readOnly);

  const world = (): World => {
    const state = fleet.store.getState();
    return {
      now: options.now(),
      size,
      fleet: state,
      origin: fleet.origin,
      readOnly: fleet.readOnly,
      operator: fleet.operator,
      pipeline: model.place === undefined ? undefined : pipelineOf(state, model.place),
    };
  };

  const handle = (messages: readonly Message[]) => {
    for (const message of messages) {
      const before = model.place;
      const next = update(model, message, world());
      model = next.model;
      for (const effect of next.effects) {
        if (effect.type === 'quit') options.quit(effect.code);
        else if (effect.type === 'suspend') options.suspend();
        else executor.run(effect);
      }
      // Another map has other rows: the cursor finds its place among them.
      if (model.place !== before) model = update(model, { type: 'world' }, world()).model;
    }
    executor.subscribe(subscriptionsOf(model, world()));
    frames.setState({ frame: view(model, world()) });
  };

  const executor = createExecutor(fleet, (message) => handle([message]));
  model = update(model, { type: 'world' }, world()).model;
  if (options.place === undefined) model = { ...model, over: [{ type: 'maps', state: openMaps(world()) }] };
  const frames = createStore(() => ({ frame: view(model, world()) }));
  const unsubscribe = fleet.store.subscribe(() => handle([{ type: 'world' }]));
  const tick = setInterval(() => handle([{ type: 'world' }]), TICK_MS);

  return {
    frames,
    press: (keys) => handle(keys.map((key) => ({ type: 'key', key }))),
    paste: (text) => handle([{ type: 'paste', text }]),
    resize: (next) => {
      if (next.columns === size.columns && next.rows === size.rows) return;
      size = next;
      handle([{ type: 'world' }]);
    },
    farewell: () => farewell(model, world()),
    close: () => {
      clearInterval(tick);
      unsubscribe();
      executor.close();
    },
  };
}

/** The table is made anew only when the fleet or the place is another. */
function rememberPipeline(readOnly: boolean) {
  let last: { state: FleetState; place: Place; pipeline: Pipeline | undefined } | undefined;
  return (state: FleetState, place: Place): Pipeline | undefined => {
    if (last?.state === state && last.place === place) return last.pipeline;
    const service = state.services.find(({ name }) => name === place.service);
    const map = service?.maps.find(({ name }) => name === place.map);
    const pipeline =
      service === undefined || map === undefined
        ? undefined
        : buildPipeline({ service, map, agents: state.agents, readOnly });
    last = { state, place, pipeline };
    return pipeline;
  };
}
