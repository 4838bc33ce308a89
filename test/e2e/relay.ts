import { connect, type Socket } from 'node:net';

/**
 * The far end of a way to a socket, for a connection that came in at the near one: where either ends, both do. They are in
 * `open` for as long as they are. What goes through is the caller's to say.
 */
export function farEndOf(near: Socket, socket: string, open: Set<Socket>): Socket {
  const far = connect(socket);
  for (const end of [near, far]) {
    open.add(end);
    end.on('error', () => {});
    end.on('close', () => {
      open.delete(end);
      near.destroy();
      far.destroy();
    });
  }
  return far;
}
