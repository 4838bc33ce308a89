import { type Job, type JobEvent, reduceJob } from '@towline/core/job';
import type { ExecuteInput } from '@towline/core/protocol';
import type { KeptContainer, SavedContainer } from '../replace/index.ts';
import { isEvent, type JobLine } from './job-line.ts';

/** What a job's journal says, all in all. */
export interface JobHistory {
  /** Undefined where the journal does not begin with the job: it was damaged from its first line on. */
  job: Job | undefined;
  events: JobEvent[];
  /** What was asked for. */
  input?: ExecuteInput;
  /** The job whose server it restores again, and whether that had got as far as its commit. */
  restores?: { job: string; committed: boolean };
  saved: SavedContainer[];
  /** The containers whose old one was asked to stop, and not seen to. */
  stopping: Set<string>;
  committed: boolean;
  /** Old containers that this job left, stopped. */
  kept: KeptContainer[];
  /** Containers of earlier jobs that this one removed. */
  removed: KeptContainer[];
}

/** The fold of a journal's lines. */
export function foldJournal(lines: readonly JobLine[]): JobHistory {
  const history: JobHistory = {
    job: undefined,
    events: [],
    saved: [],
    stopping: new Set(),
    committed: false,
    kept: [],
    removed: [],
  };
  for (const line of lines) {
    if (isEvent(line)) {
      history.job = reduceJob(history.job, line);
      history.events.push(line);
      if (line.type === 'step-ended' && line.state === 'DONE') {
        const step = history.job?.steps.find(({ id }) => id === line.step);
        if (step?.kind === 'stop-old') history.stopping.delete(step.container);
      }
      continue;
    }
    switch (line.record) {
      case 'request':
        history.input = line.input;
        break;
      case 'restores':
        history.restores = { job: line.job, committed: line.committed };
        break;
      case 'saved':
        history.saved = line.containers;
        break;
      case 'stopping':
        history.stopping.add(line.container);
        break;
      case 'committed':
        history.committed = true;
        history.kept = line.kept;
        break;
      case 'removed':
        history.removed.push({ container: line.container, id: line.id });
        break;
    }
  }
  return history;
}
