import { helloSchema, logLineSchema } from '@towline/core/answers';
import { type LogLine, LogPlace, PROTOCOL_VERSION } from '@towline/core/protocol';
import { ok } from '@towline/core/result';
import type { Resumable } from './resumable.ts';

export interface ContainerLogOptions {
  container: string;
  /** How many of the last lines come first. */
  tail: number;
  /** This program's version. */
  version: string;
  /** Once the agent reads the log: a container that has written nothing sends nothing. */
  onStarted(): void;
}

/** A container's own log as it grows. */
export function containerLog(options: ContainerLogOptions): Resumable<LogLine> {
  const { container, tail, version, onStarted } = options;
  const place = new LogPlace();
  return {
    what: `the log of ${container}`,
    ofAgent: true,
    subscribe(client, handlers) {
      const since = place.begin();
      return client.logs.subscribe(
        { container, follow: true, ...(since === undefined ? { tail } : { since }) },
        {
          ...handlers,
          onStarted() {
            handlers.onStarted();
            onStarted();
          },
        },
      );
    },
    take(value) {
      const line = logLineSchema.safeParse(value);
      if (!line.success) return { kind: 'unknown' };
      return place.take(line.data) ? { kind: 'new', value: line.data } : { kind: 'seen' };
    },
    // That a stream ended may be the agent's end: it is over when it has no more to say, and the agent answers.
    async isOver(ask) {
      if (place.moved) return ok(false);
      const hello = await ask(
        (client) => client.hello.query({ protocol: PROTOCOL_VERSION, version }),
        helloSchema,
      );
      return hello.ok ? ok(true) : hello;
    },
  };
}
