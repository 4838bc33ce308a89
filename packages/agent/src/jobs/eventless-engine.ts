import { createServer, request } from 'node:http';
import { join } from 'node:path';

/** A way to an engine on which its events can be shut off, as a proxy before its socket does. */
export interface EventlessEngine {
  /** The socket to use instead of the engine's. */
  socket: string;
  /** From now on nobody is told its events; who is told them goes on being. */
  shutEvents(): void;
  close(): Promise<void>;
}

/** Listens in `dir`. */
export async function eventlessEngine(engineSocket: string, dir: string): Promise<EventlessEngine> {
  let shut = false;
  const proxy = createServer((call, answer) => {
    const { method, headers, url = '' } = call;
    if (shut && url.includes('/events')) {
      answer
        .writeHead(403, { 'content-type': 'application/json' })
        .end('{"message":"events are not allowed"}');
      return;
    }
    const far = request({ socketPath: engineSocket, method, headers, path: url }, (found) => {
      answer.writeHead(found.statusCode ?? 500, found.headers);
      answer.flushHeaders();
      found.pipe(answer);
    });
    far.on('error', () => answer.destroy());
    answer.on('close', () => far.destroy());
    call.pipe(far);
  });
  const socket = join(dir, 'engine.sock');
  await new Promise<void>((resolve) => proxy.listen(socket, resolve));
  return {
    socket,
    shutEvents() {
      shut = true;
    },
    async close() {
      const closed = new Promise((resolve) => proxy.close(resolve));
      proxy.closeAllConnections();
      await closed;
    },
  };
}
