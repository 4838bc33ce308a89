import type { OutputLine } from '../output/index.ts';
import type { ImageListener } from './image-events.ts';

/** Hands lines on at once, and remembers what is to be waited for: a full disk or pipe slows the builder down. */
export function lineQueue({ onLine }: ImageListener) {
  let waiting: Promise<void>[] = [];
  return {
    add(line: OutputLine): void {
      const pending = onLine?.(line);
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
