import { Resolver } from 'node:dns/promises';
import { get } from 'node:http';

/**
 * A client on a network of containers, for tests: it looks NAME up for every request and asks the first address alone,
 * over a connection of its own. At SIGTERM, and not before AT-LEAST requests, it prints what became of them.
 */
const [name = '', atLeast = '0'] = process.argv.slice(2);
const CALLERS = 4;
/** The engine's own, in every container. */
const DNS = '127.0.0.11';
const TIMEOUT_MS = 10_000;

const resolver = new Resolver({ timeout: 2_000, tries: 2 });
resolver.setServers([DNS]);
let ending = false;
process.on('SIGTERM', () => {
  ending = true;
});

let requests = 0;
const failures: string[] = [];

async function call(): Promise<void> {
  requests++;
  const [host = ''] = await resolver.resolve4(name);
  const answered = Promise.withResolvers<void>();
  const request = get({ host, port: 8080, agent: false, timeout: TIMEOUT_MS }, (response) => {
    response.resume();
    response.on('error', answered.reject);
    response.on('end', () => {
      if (response.statusCode === 200) answered.resolve();
      else answered.reject(new Error(`${host} answered ${response.statusCode}`));
    });
  });
  request.on('timeout', () => request.destroy(new Error(`${host} did not answer`)));
  request.on('error', answered.reject);
  await answered.promise;
}

await Promise.all(
  Array.from({ length: CALLERS }, async () => {
    while (!ending || requests < Number(atLeast)) await call().catch((error) => failures.push(String(error)));
  }),
);
process.stdout.write(JSON.stringify({ requests, failures }));
