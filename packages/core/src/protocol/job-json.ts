import type { Job, JobStep, JobTask } from '../job/index.ts';

/** A job as `--json` prints it, field by field as the command line's description has it; scripts rely on it. */
export interface JobJson {
  id: string;
  server: string;
  map: string;
  agent: string;
  state: Job['state'];
  tasks: { container: string; mode: JobTask['mode']; from?: VersionJson; to: VersionJson }[];
  steps: {
    name: string;
    state: JobStep['state'];
    startedAt?: string;
    endedAt?: string;
    /** What it waits for: the rule of a check, with its numbers. */
    detail?: string;
    /** Of a check: how often it was asked, and how it stands. */
    check?: { tries: number; standing: string };
    /** What came of it. */
    message?: string;
  }[];
  refusal?: { code: string; message: string };
  error?: { code: string; message: string };
  operator: string;
  /** Who asked it to end, where somebody did. */
  cancelledBy?: string;
  /** Absent while it waits in the queue, and for one that was refused before it began. */
  startedAt?: string;
  endedAt?: string;
}

interface VersionJson {
  tag: string;
  digest?: string;
}

/** `agent` is the agent's name in the map file: a job itself does not know how its agent is called. */
export function jobToJson(job: Job, agent: string): JobJson {
  return {
    id: job.id,
    server: job.server,
    map: job.map,
    agent,
    state: job.state,
    tasks: job.tasks.map(({ container, mode, from, to }) => ({
      container,
      mode,
      ...(from !== undefined && { from: versionJson(from) }),
      to: versionJson(to),
    })),
    steps: job.steps.map(({ name, kind, state, startedAt, endedAt, detail, progress, message }) => ({
      name,
      state,
      ...(startedAt !== undefined && { startedAt }),
      ...(endedAt !== undefined && { endedAt }),
      ...(detail !== undefined && { detail }),
      ...(kind === 'gate' &&
        progress?.detail !== undefined && { check: { tries: progress.current, standing: progress.detail } }),
      ...(message !== undefined && { message }),
    })),
    ...(job.refusal !== undefined && { refusal: { code: job.refusal.code, message: job.refusal.message } }),
    ...(job.error !== undefined && { error: { code: job.error.code, message: job.error.message } }),
    operator: job.operator,
    ...(job.cancelledBy !== undefined && { cancelledBy: job.cancelledBy }),
    ...(job.startedAt !== undefined && { startedAt: job.startedAt }),
    ...(job.endedAt !== undefined && { endedAt: job.endedAt }),
  };
}

function versionJson({ tag, digest }: { tag: string; digest?: string | undefined }): VersionJson {
  return { tag, ...(digest !== undefined && { digest }) };
}
