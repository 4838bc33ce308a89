import type { BuildLogState } from '../build-log/index.ts';
import type { EditBuildState } from '../edit-build/index.ts';
import type { ImagesState } from '../images/index.ts';
import type { JobState } from '../job/index.ts';
import type { JobsState } from '../jobs/index.ts';
import type { LogsState } from '../logs/index.ts';
import type { Request } from '../request.ts';
import type { VersionsState } from '../versions/index.ts';
import type { Model, Over } from './model.ts';

/** One kind of what can be open, for what comes to it from outside. */
export interface Screen<State> {
  stateOf(over: Over): State | undefined;
  over(state: State): Over;
}

export const VERSIONS: Screen<VersionsState> = {
  stateOf: (over) => (over.type === 'versions' ? over.state : undefined),
  over: (state) => ({ type: 'versions', state }),
};
export const IMAGES: Screen<ImagesState> = {
  stateOf: (over) => (over.type === 'images' ? over.state : undefined),
  over: (state) => ({ type: 'images', state }),
};
export const JOB: Screen<JobState> = {
  stateOf: (over) => (over.type === 'job' ? over.state : undefined),
  over: (state) => ({ type: 'job', state }),
};
export const JOBS: Screen<JobsState> = {
  stateOf: (over) => (over.type === 'jobs' ? over.state : undefined),
  over: (state) => ({ type: 'jobs', state }),
};
export const LOGS: Screen<LogsState> = {
  stateOf: (over) => (over.type === 'logs' ? over.state : undefined),
  over: (state) => ({ type: 'logs', state }),
};
export const BUILD_LOG: Screen<BuildLogState> = {
  stateOf: (over) => (over.type === 'build-log' ? over.state : undefined),
  over: (state) => ({ type: 'build-log', state }),
};
export const EDIT_BUILD: Screen<EditBuildState> = {
  stateOf: (over) => (over.type === 'edit-build' ? over.state : undefined),
  over: (state) => ({ type: 'edit-build', state }),
};

export function open(model: Model, over: Over): Model {
  return { ...model, over: [...model.over, over] };
}

/** Changes the state of every screen of a kind that is open. */
export function mapState<State>(model: Model, screen: Screen<State>, change: (state: State) => State): Model {
  let changed = false;
  const over = model.over.map((one) => {
    const state = screen.stateOf(one);
    if (state === undefined) return one;
    const next = change(state);
    if (next === state) return one;
    changed = true;
    return screen.over(next);
  });
  return changed ? { ...model, over } : model;
}

/** As `mapState`, with what the screens ask for. */
export function mapOutcome<State>(
  model: Model,
  screen: Screen<State>,
  change: (state: State) => { state: State; requests: readonly Request[] },
): { model: Model; requests: readonly Request[] } {
  const requests: Request[] = [];
  const changed = mapState(model, screen, (state) => {
    const outcome = change(state);
    requests.push(...outcome.requests);
    return outcome.state;
  });
  return { model: changed, requests };
}
