import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that can't be mistaken for another one that got its pid later. */
export interface ProcessMark {
  pid: number;
  /** In clock ticks since the machine started, as the kernel has it. */
  startedAt: string;
}

/** Undefined where there is no such process, or only what its parent has not yet collected of it. */
export async function markProcess(pid: number): Promise<ProcessMark | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is a name in brackets, which may hold spaces and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startedAt = fields[19];
  // Of one that is killed the first thread is gone before the last, and until then its sockets take connections.
  const isOver = state === 'X' || (state === 'Z' && Number(fields[17]) <= 1);
  if (startedAt === undefined || isOver) return undefined;
  return { pid, startedAt };
}

export async function isRunning(mark: ProcessMark): Promise<boolean> {
  return (await markProcess(mark.pid))?.startedAt === mark.startedAt;
}

/** An engine gives its containers ten seconds to stop, and what a KILL ends on a busy machine takes a while to go. */
const GRACE_MS = 30_000;

/** Sends the signal, waits, and sends KILL to one that is still there after `graceMs`. */
export async function endProcess(
  mark: ProcessMark,
  signal: NodeJS.Signals = 'SIGTERM',
  graceMs = GRACE_MS,
): Promise<void> {
  if (!(await isRunning(mark))) return;
  signalProcess(mark.pid, signal);
  if (await waitUntil(async () => !(await isRunning(mark)), graceMs)) return;
  signalProcess(mark.pid, 'SIGKILL');
  await waitUntil(async () => !(await isRunning(mark)), GRACE_MS);
}

/** Asks every few milliseconds; false where it did not come true in time. */
export async function waitUntil(condition: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (await condition()) return true;
    if (Date.now() > deadline) return false;
    await sleep(10);
  }
}

/** One that ended in between has what it was to have. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
