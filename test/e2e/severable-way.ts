import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { farEndOf } from './relay.ts';

/** A way to an agent's socket that a test can cut. */
export interface SeverableWay {
  /** The socket to connect to instead of the agent's. */
  path: string;
  /** Ends every connection through it at once. Returns how many those were. */
  cut(): number;
  /** Cuts it, and lets nobody through until `mend`. */
  sever(): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
}

export async function wayTo(socket: string, path: string): Promise<SeverableWay> {
  const open = new Set<Socket>();
  let server: Server | undefined;
  const cut = () => {
    const count = open.size;
    for (const end of open) end.destroy();
    return count;
  };
  const mend = async () => {
    await rm(path, { force: true });
    const listening = createServer((near) => {
      const far = farEndOf(near, socket, open);
      near.pipe(far).pipe(near);
    });
    server = listening;
    await new Promise<void>((resolve) => listening.listen(path, resolve));
  };
  const sever = async () => {
    const closing = server;
    server = undefined;
    const closed = closing && new Promise((resolve) => closing.close(resolve));
    cut();
    await closed;
  };
  await mend();
  return { path, cut, sever, mend, close: sever };
}
