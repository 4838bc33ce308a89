import { setTimeout as wait } from 'node:timers/promises';
import { type Engine, EngineError } from '../engine/index.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;

/** Waits until the engine answers; false where it did not within `limitMs` or before `signal`. */
export async function engineIsBack(engine: Engine, limitMs: number, signal: AbortSignal): Promise<boolean> {
  const giveUpAt = performance.now() + limitMs;
  for (let retryMs = FIRST_RETRY_MS; !signal.aborted; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
    if ((await engine.info()).ok) return true;
    const leftMs = giveUpAt - performance.now();
    if (leftMs <= 0) return false;
    await wait(Math.min(retryMs, leftMs), undefined, { signal }).catch(() => undefined);
  }
  return false;
}

export function isUnreachable(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'unreachable';
}
