import type { Job, JobEvent } from '@towline/core/job';
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { WebSocket } from 'ws';
import type { AgentRouter } from '../server/index.ts';

/** A client of an agent in a process of its own; for tests. */
export function dial(socketPath: string) {
  const socket = createWSClient({
    url: `ws+unix:${socketPath}:/`,
    // As a browser's for all that the client does with it; Node's types and those of ws disagree on events.
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
  });
  const client = createTRPCClient<AgentRouter>({ links: [wsLink({ client: socket })] });
  return {
    client,
    close: () => socket.close(),
    /** Waits for an event of the job, the `count`th of this type; one that was before counts as well. */
    async reaches(id: string, type: JobEvent['type'], count = 1): Promise<void> {
      const reached = Promise.withResolvers<void>();
      let seen = 0;
      const following = client.followJob.subscribe(
        { id },
        {
          onData({ data }) {
            if (data.type === type && ++seen === count) reached.resolve();
            else if (data.type === 'ended') reached.reject(new Error(`the job ended ${data.state} before`));
          },
          onError: reached.reject,
        },
      );
      await reached.promise;
      following.unsubscribe();
    },
    /** Waits for the job's end. */
    async ended(id: string): Promise<Job> {
      await this.reaches(id, 'ended');
      return await client.job.query({ id });
    },
  };
}
