import type { BuildStepKind } from '@towline/core/build';
import type { BuildChanges } from '@towline/core/map';
import type { ServerPlan } from '@towline/core/plan';
import type { BuildLogQuery } from '../fleet/index.ts';

export type NoticeTone = 'good' | 'bad' | 'plain';

/** What is asked before something that can't be taken back. */
export interface Question {
  title: string;
  /** The first says what would happen, the others what one should know. */
  sentences: readonly string[];
  /** The safe button, and the other one. */
  keep: string;
  act: string;
  /** What the other one does. */
  requests: readonly Request[];
  /** A job without which it is no question any more: it goes when the job has ended, or is cancelled. */
  while?: { agent: string; id: string };
}

/** A build, and the agent that it is built on. */
export interface BuildPlace {
  agent: string;
  service: string;
  build: string;
}

/** What a screen wants done beyond its own state. Data: the dashboard navigates, and its executor calls the agents. */
export type Request =
  | { type: 'close' }
  /** Asks first where something would be left undone. */
  | { type: 'quit' }
  | { type: 'quit-now' }
  | { type: 'suspend' }
  | { type: 'notice'; tone: NoticeTone; text: string }
  | { type: 'ask'; question: Question }
  | { type: 'show-maps' }
  /** Asks first where what is armed would be lost. */
  | { type: 'show-map'; service: string; map: string }
  | { type: 'show-map-now'; service: string; map: string }
  | { type: 'show-versions'; server: string; container: string }
  | { type: 'show-execute'; plan: ServerPlan }
  | { type: 'show-plan' }
  | { type: 'show-job'; agent: string; id: string }
  | { type: 'show-details'; row: string }
  | { type: 'show-jobs' }
  | { type: 'show-logs'; agent: string; container: string }
  | ({ type: 'show-build-log'; run: string } & BuildPlace)
  | ({ type: 'show-edit-build' } & BuildPlace)
  | { type: 'choose-tag'; server: string; container: string; tag: string }
  | { type: 'execute'; plans: readonly ServerPlan[]; batch: boolean }
  | { type: 'cancel-job'; agent: string; id: string }
  | { type: 'restore-server'; service: string; map: string; server: string }
  | { type: 'load-versions'; agent: string; image: string }
  | { type: 'load-jobs' }
  | ({ type: 'run-build'; only?: BuildStepKind } & BuildPlace)
  | { type: 'cancel-build'; agent: string; id: string }
  | ({ type: 'load-images' } & BuildPlace)
  | ({ type: 'load-commits'; from: string; to: string } & BuildPlace)
  | { type: 'load-log-page'; agent: string; query: BuildLogQuery; attempt: number }
  | {
      type: 'load-log-part';
      agent: string;
      run: string;
      step: BuildStepKind;
      asked: { kind: 'part'; seq: number; at: number; until: number };
      attempt: number;
    }
  | { type: 'set-note'; agent: string; id: string; note: string }
  | ({ type: 'clean-build'; what: 'source' | 'cache' } & BuildPlace)
  | ({ type: 'load-edit' } & BuildPlace)
  | ({ type: 'reload-map' } & BuildPlace)
  | { type: 'reread-map' }
  | { type: 'retry-agents' }
  | ({ type: 'save-build'; changes: BuildChanges } & BuildPlace)
  | { type: 'put-secret'; agent: string; name: string; value: string }
  | { type: 'answer-passphrase'; id: number; passphrase: string | undefined }
  | { type: 'drop-edits' }
  | { type: 'take-file' };

/** A screen's state after an action, and what it asks for. */
export interface Outcome<State> {
  state: State;
  requests: readonly Request[];
}

export function settle<State>(state: State, ...requests: Request[]): Outcome<State> {
  return { state, requests };
}
