import { setTimeout as wait } from 'node:timers/promises';
import { EngineError } from './engine.ts';

/** In milliseconds, between the tries. */
const PAUSES = [50, 100, 200, 400, 800, 1_600, 3_200];
/** Podman fails where a container or an image goes while it looks at it; Docker counts the use of its disk for one at a time. */
const IN_THE_MIDDLE = /no such (container|image)|(image|layer) not known|already running/i;

/** What an engine can't tell in the middle of something, it tells when that is over. Rejects with what it says in the end. */
export async function askAgain<T>(ask: () => Promise<T>): Promise<T> {
  for (const pauseMs of PAUSES) {
    try {
      return await ask();
    } catch (error) {
      const inTheMiddle = error instanceof EngineError && error.code === 'engine';
      if (!inTheMiddle || !IN_THE_MIDDLE.test(error.message)) throw error;
    }
    await wait(pauseMs);
  }
  return await ask();
}
