import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import type { Host } from './host.ts';

/** Below those that Linux gives to whoever asks for any: nobody comes by one of these by chance, also when it is let go of for a while. */
const FIRST = 20_000;
const END = 32_768;

/** A port of loopback that nobody has. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

const PRINT_FREE_PORT = `const server = require('net').createServer();
  const next = () => server.listen(require('crypto').randomInt(${FIRST}, ${END}), '127.0.0.1');
  server.on('error', next).on('listening', () => {
    console.log(server.address().port);
    server.close();
  });
  next()`;

/** As `freePort`, of the loopback that a host has to itself. */
export async function freePortOn(host: Pick<Host, 'run'>): Promise<number> {
  return Number(await host.run(process.execPath, ['-e', PRINT_FREE_PORT]));
}
