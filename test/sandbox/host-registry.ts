import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePortOn } from './free-port.ts';
import type { Host } from './host.ts';
import { waitUntil } from './process-mark.ts';

export interface HostRegistryOptions {
  /** What is in it; its configuration is put beside this folder. */
  storage: string;
  /** As the registry's configuration has it; everybody may read and write without. */
  auth?: object;
}

/** One more real registry, which a host's own network alone has. */
export interface HostRegistry {
  /** `localhost:PORT` on the host. */
  host: string;
  /** Of its process: one that is stopped takes connections, and does not answer. */
  pid: number;
  close(): Promise<void>;
}

/** Its only user is `op`, with the password "lets go". */
export const ONE_USER = 'op:$2y$05$abcdefghijklmnopqrstuuIHKHbEdeeKPBJv1opCn9wfYua.go9ga\n';

const CONNECT =
  'require("net").connect(process.argv[1]).on("connect", () => process.exit()).on("error", () => process.exit(1))';
const READY_TIMEOUT_MS = 20_000;

export async function serveHostRegistry(
  host: Host,
  { storage, auth = {} }: HostRegistryOptions,
): Promise<HostRegistry> {
  const port = await freePortOn(host);
  const config = join(storage, '..', `registry-${port}.yml`);
  const pidFile = `${config}.pid`;
  const logFile = `${config}.log`;
  await writeFile(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: storage } },
      http: { addr: `127.0.0.1:${port}` },
      auth,
    }),
  );
  const script = 'docker-registry serve "$1" >"$3" 2>&1 & echo $! > "$2"; wait';
  const running = host.run('sh', ['-c', script, 'sh', config, pidFile, logFile]).catch(() => '');
  const answers = () =>
    host.run(process.execPath, ['-e', CONNECT, String(port)]).then(
      () => true,
      () => false,
    );
  const pidOf = async () => Number(await readFile(pidFile, 'utf8'));
  const close = async () => {
    try {
      process.kill(await pidOf(), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
    await running;
  };
  if (await waitUntil(answers, READY_TIMEOUT_MS)) {
    return { host: `localhost:${port}`, pid: await pidOf(), close };
  }
  await close();
  const said = await readFile(logFile, 'utf8').catch(() => '');
  throw new Error(`The registry of ${host.name} does not listen on port ${port}. Its log:\n${said}`);
}
