import type { BuildEvent } from '@towline/core/build';
import type { Job, JobEvent } from '@towline/core/job';
import type { MapDefinition } from '@towline/core/map';
import type { BatchProgress, Pipeline, ServerPlan } from '@towline/core/plan';
import type {
  BuildLogEntry,
  BuildLogOutput,
  BuildLogPartOutput,
  BuildRunsOutput,
  CleanBuildOutput,
  CommitsBetweenOutput,
  ExecuteOutput,
  LogLine,
  PutSecretOutput,
  RunBuildOutput,
  SecretNames,
  VersionsOutput,
} from '@towline/core/protocol';
import type { Failure, Result } from '@towline/core/result';
import type { CallFailure } from '../../fleet/index.ts';
import type { Key } from '../../keys/index.ts';
import type { Missing, Seeking, StepLogArrival } from '../build-log/index.ts';
import type { LogArrival } from '../logs/index.ts';
import type { BuildPlace, Request } from '../request.ts';

/** What happens to the dashboard: keys, the world that changed, and what agents answer. */
export type Message =
  | { type: 'key'; key: Key }
  | { type: 'paste'; text: string }
  /** The fleet, the size or the time is another. */
  | { type: 'world' }
  | { type: 'versions'; agent: string; image: string; result: Result<VersionsOutput, CallFailure> }
  | ({ type: 'images'; result: Result<BuildRunsOutput, CallFailure> } & BuildPlace)
  | { type: 'commits'; to: string; result: Result<CommitsBetweenOutput, CallFailure> }
  /** How far what was executed is. */
  | { type: 'progress'; execution: number; progress: BatchProgress }
  /** Nobody can say any more what becomes of a part of it. */
  | { type: 'progress-lost'; message: string }
  | ({ type: 'build-started'; result: Result<RunBuildOutput, CallFailure> } & BuildPlace)
  | { type: 'cancelled'; id: string; result: Result<void, CallFailure> }
  | { type: 'build-cancelled'; id: string; result: Result<void, CallFailure> }
  | { type: 'jobs'; agent: string; result: Result<readonly Job[], CallFailure> }
  | { type: 'job-events'; id: string; events: readonly JobEvent[] }
  | { type: 'job-failed'; id: string; message: string }
  | { type: 'build-events'; id: string; events: readonly BuildEvent[] }
  | { type: 'build-failed'; id: string; message: string }
  | { type: 'log-started'; from: LogArrival }
  | { type: 'log-lines'; from: LogArrival; lines: readonly LogLine[] }
  | { type: 'log-ended'; from: LogArrival; failure: string | undefined }
  | { type: 'build-log-entries'; from: StepLogArrival; entries: readonly BuildLogEntry[] }
  | { type: 'build-log-ended'; from: StepLogArrival; failure: string | undefined }
  | { type: 'build-log-page'; from: StepLogArrival; result: Result<BuildLogOutput, CallFailure> }
  | {
      type: 'build-log-part';
      from: StepLogArrival;
      asked: Extract<Missing, { kind: 'part' }>;
      result: Result<BuildLogPartOutput, CallFailure>;
    }
  | {
      type: 'sought';
      count: number;
      found: { seq: number; at?: number | undefined } | undefined;
      failure: string | undefined;
    }
  | { type: 'restore-begun'; agent: string; server: string; result: Result<ExecuteOutput, CallFailure> }
  | { type: 'noted'; id: string; note: string; result: Result<void, CallFailure> }
  | { type: 'cleaned'; what: 'source' | 'cache'; result: Result<CleanBuildOutput, CallFailure> }
  | ({
      type: 'edit-loaded';
      runs: Result<BuildRunsOutput, CallFailure>;
      secrets: Result<SecretNames, CallFailure>;
    } & BuildPlace)
  | ({ type: 'map-reloaded'; result: Result<void, Failure> } & BuildPlace)
  | { type: 'map-reread'; result: Result<void, Failure> }
  | ({ type: 'map-saved'; result: Result<void, Failure> } & BuildPlace)
  | { type: 'secret-put'; name: string; result: Result<PutSecretOutput, CallFailure> };

type CallType =
  | 'cancel-job'
  | 'restore-server'
  | 'load-versions'
  | 'load-jobs'
  | 'cancel-build'
  | 'load-images'
  | 'load-commits'
  | 'load-log-page'
  | 'load-log-part'
  | 'set-note'
  | 'clean-build'
  | 'load-edit'
  | 'reload-map'
  | 'reread-map'
  | 'save-build'
  | 'put-secret';

/** A request that is a question to an agent, or to the map file, and nothing else. */
export type Call = Extract<Request, { type: CallType }>;

/** What the executor does, once each. */
export type Effect =
  | { type: 'quit'; code: number }
  | { type: 'suspend' }
  | {
      type: 'execute';
      execution: number;
      service: string;
      map: MapDefinition;
      /** The pipeline's. */
      builds: Pipeline['builds'];
      plans: readonly ServerPlan[];
    }
  | Extract<Request, { type: 'run-build' | 'answer-passphrase' | 'retry-agents' }>
  | Call;

/** A stream that is open for as long as what is on the screen needs it; told apart by `subscriptionKey`. */
export type Subscription =
  | { type: 'job'; agent: string; id: string }
  | { type: 'build-run'; agent: string; id: string }
  | ({ type: 'logs'; tail: number } & LogArrival)
  | ({ type: 'build-log' } & StepLogArrival)
  | ({ type: 'seek'; agent: string; run: string } & Seeking);

export function subscriptionKey(subscription: Subscription): string {
  return JSON.stringify(Object.values(subscription));
}
