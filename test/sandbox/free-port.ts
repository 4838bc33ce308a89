import { createServer } from 'node:net';
import type { Host } from './host.ts';

/** A port of loopback that was free a moment ago: somebody else may have it by now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

const PRINT_FREE_PORT = `const server = require('net').createServer().listen(0, '127.0.0.1', () => {
  console.log(server.address().port);
  server.close();
})`;

/** As `freePort`, of the loopback that a host has to itself. */
export async function freePortOn(host: Pick<Host, 'run'>): Promise<number> {
  return Number(await host.run(process.execPath, ['-e', PRINT_FREE_PORT]));
}
