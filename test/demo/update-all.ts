import { type Host, hostOf, sandboxesKeptFor } from '@towline/test/sandbox';
import * as z from 'zod';
import { CONTAINERS, type DemoContainer, settings } from './demo-map.ts';
import type { DemoPlace } from './demo-place.ts';
import { BUILD_VERSION } from './storefront.ts';
import { readTowline, towline } from './towline-command.ts';

const statusSchema = z.object({
  servers: z.array(
    z.object({
      name: z.string(),
      state: z.string(),
      tasks: z.array(z.object({ container: z.string(), deployed: z.object({ tag: z.string() }).nullable() })),
    }),
  ),
});

/** The map's batch to the newer versions; its exit code. */
export async function updateAll(place: DemoPlace): Promise<number> {
  return await towline(place, ['batch', ...settings('newer'), '--yes']);
}

/** What is not at its newer version, by towline's word or by the page that the container serves; empty where all is. */
export async function notAtNewer(place: DemoPlace): Promise<string[]> {
  const [sandbox] = await sandboxesKeptFor(place.folder);
  if (sandbox === undefined) return ['The demo is not up.'];
  const status = await readStatus(place);
  const problems: string[] = [];
  for (const container of CONTAINERS) {
    const { server, host, name, port, newer } = container;
    const found = status.servers.find((other) => other.name === server);
    if (found?.state !== 'Running') problems.push(`${server} is ${found?.state ?? 'not in the map'}.`);
    const tag = found?.tasks.find((task) => task.container === name)?.deployed?.tag;
    if (!isNewer(container, tag))
      problems.push(`${server}/${name} is at ${tag ?? 'nothing'}, not at ${newer}.`);
    const page = await readPage(hostOf(sandbox, host), port);
    if (page !== `${name} ${newer}\n`) problems.push(`${server}/${name} serves: ${page.trim()}`);
  }
  return problems;
}

/** What every container of the map runs now, by towline's word: `web/gateway 1.2.0`. */
export async function deployedTags(place: DemoPlace): Promise<string[]> {
  const { servers } = await readStatus(place);
  return servers.flatMap(({ name, tasks }) =>
    tasks.map(({ container, deployed }) => `${name}/${container} ${deployed?.tag ?? 'nothing'}`),
  );
}

async function readStatus(place: DemoPlace): Promise<z.infer<typeof statusSchema>> {
  return statusSchema.parse(JSON.parse(await readTowline(place, ['status', '--json'])));
}

/** What the storefront serves, by the word of its page. */
export async function storefrontPage(place: DemoPlace): Promise<string> {
  const [sandbox] = await sandboxesKeptFor(place.folder);
  const container = CONTAINERS.find(({ name }) => name === 'storefront');
  if (sandbox === undefined || container === undefined) throw new Error('The demo is not up.');
  return (await readPage(hostOf(sandbox, container.host), container.port)).trim();
}

async function readPage(host: Host, port: number): Promise<string> {
  return await host
    .run('busybox', ['wget', '-q', '-O-', `http://127.0.0.1:${port}/`])
    .catch((error: Error) => error.message);
}

/** Of what is built, everything after the first run, which the demo began with. */
function isNewer(container: DemoContainer, tag: string | undefined): boolean {
  if (!('build' in container)) return tag === container.newer;
  return tag?.startsWith(`${BUILD_VERSION}.B`) === true && tag !== `${BUILD_VERSION}.B000001`;
}
