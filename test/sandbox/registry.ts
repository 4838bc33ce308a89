import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endDaemon, listDaemons, startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';

export interface SandboxRegistry {
  /** `localhost:PORT`, the same in every host. */
  host: string;
  /** Ends it everywhere. What is in it stays. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
}

/**
 * One registry on every host's loopback: a process per network namespace, all over one folder and on one port, so that
 * an image has one name everywhere. (An engine takes a registry without TLS only on `localhost`.)
 */
export interface RegistryProcesses extends SandboxRegistry {
  /** Starts the process for one more network namespace. */
  addHost(name: string, namespace: string): Promise<void>;
}

const MACHINE = 'machine';

export async function startRegistry(sandboxDir: string): Promise<RegistryProcesses> {
  const folder = join(sandboxDir, 'registry');
  await mkdir(folder, { recursive: true });
  const namespaces = new Map<string, string | undefined>([[MACHINE, undefined]]);

  // Another sandbox may have come by the same one just now.
  let port = 0;
  for (let attempt = 1; ; attempt++) {
    port = await freePort();
    await writeFile(configFile(folder), registryConfig(folder, port));
    try {
      await startProcess(sandboxDir, MACHINE, undefined, port);
      break;
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
  return {
    host: `localhost:${port}`,
    async addHost(name, namespace) {
      namespaces.set(name, namespace);
      await startProcess(sandboxDir, name, namespace, port);
    },
    async stop(signal) {
      const names = (await listDaemons(sandboxDir)).filter((name) => name.startsWith('registry-'));
      await Promise.all(names.map((name) => endDaemon(sandboxDir, name, signal)));
    },
    async start() {
      const all = [...namespaces];
      await Promise.all(all.map(([name, namespace]) => startProcess(sandboxDir, name, namespace, port)));
    },
  };
}

async function startProcess(
  sandboxDir: string,
  name: string,
  namespace: string | undefined,
  port: number,
): Promise<void> {
  const folder = join(sandboxDir, 'registry');
  const serve = ['docker-registry', 'serve', configFile(folder)];
  const [command = '', ...args] =
    namespace === undefined ? serve : ['nsenter', `--net=/run/netns/${namespace}`, '--', ...serve];
  await startDaemon({
    sandboxDir,
    name: `registry-${name}`,
    command,
    args,
    logFile: join(folder, `${name}.log`),
    ready: async ({ pid }) => await listens(pid, port),
  });
}

/** Whether the process's network has a listener on the port; it may be a network that can't be reached from here. */
async function listens(pid: number, port: number): Promise<boolean> {
  const table = await readFile(`/proc/${pid}/net/tcp`, 'utf8').catch(() => '');
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').some((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    return local === address && state === '0A';
  });
}

function registryConfig(folder: string, port: number): string {
  // No cache of blobs: what one process has not found yet, another may have stored since.
  const config = {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(folder, 'data') },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: `127.0.0.1:${port}`, secret: 'towline' },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

function configFile(folder: string): string {
  return join(folder, 'config.yml');
}
