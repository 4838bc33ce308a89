import type { OutputText } from '../output/index.ts';
import type { ImageListener } from './image-events.ts';

/** Hands output on at once, and remembers what is to be waited for: a full disk or pipe slows the builder down. */
export function outputQueue({ onOutput }: ImageListener) {
  let waiting: Promise<void>[] = [];
  return {
    add(output: OutputText): void {
      const pending = onOutput?.(output);
      if (pending !== undefined) waiting.push(pending);
    },
    async drained(): Promise<void> {
      if (waiting.length === 0) return;
      const now = waiting;
      waiting = [];
      await Promise.all(now);
    },
  };
}
