import type { BatchState, Execution } from '../batch/index.ts';
import type { BuildLogState } from '../build-log/index.ts';
import type { ConfirmState } from '../confirm/index.ts';
import type { DetailsState } from '../details/index.ts';
import type { EditBuildState } from '../edit-build/index.ts';
import type { ExecuteState } from '../execute/index.ts';
import type { HelpState } from '../help/index.ts';
import type { ImagesState } from '../images/index.ts';
import type { JobState } from '../job/index.ts';
import type { JobsState } from '../jobs/index.ts';
import type { LogsState } from '../logs/index.ts';
import type { MapsState } from '../maps/index.ts';
import type { PassphraseState } from '../passphrase/index.ts';
import { INITIAL_PIPELINE, type PipelineState } from '../pipeline/index.ts';
import type { PlanState } from '../plan/index.ts';
import type { NoticeTone } from '../request.ts';
import type { VersionsState } from '../versions/index.ts';

/** A screen or a dialog over the pipeline. */
export type Over =
  | { type: 'maps'; state: MapsState }
  | { type: 'versions'; state: VersionsState }
  | { type: 'images'; state: ImagesState }
  | { type: 'execute'; state: ExecuteState }
  | { type: 'plan'; state: PlanState }
  | { type: 'batch'; state: BatchState }
  | { type: 'job'; state: JobState }
  | { type: 'jobs'; state: JobsState }
  | { type: 'logs'; state: LogsState }
  | { type: 'build-log'; state: BuildLogState }
  | { type: 'edit-build'; state: EditBuildState }
  | { type: 'confirm'; state: ConfirmState }
  | { type: 'passphrase'; state: PassphraseState }
  | { type: 'details'; state: DetailsState }
  | { type: 'help'; state: HelpState };

/** Which service and application map is shown. */
export interface Place {
  service: string;
  map: string;
}

/** All that the dashboard itself knows; what it sees is the `World`. */
export interface Model {
  place: Place | undefined;
  pipeline: PipelineState;
  /** The last is on top. */
  over: readonly Over[];
  notice: { text: string; tone: NoticeTone; until: number } | undefined;
  /** What was executed from here and is not over, or still looked at. */
  executions: readonly Execution[];
  /** How many there were. */
  executed: number;
}

/** On the asked-for map, on the only one, or on none yet. */
export function initialModel(place: Place | undefined): Model {
  return { place, pipeline: INITIAL_PIPELINE, over: [], notice: undefined, executions: [], executed: 0 };
}
