import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './command.ts';
import { endDaemon, startDaemon } from './daemon.ts';
import type { Host } from './host.ts';

/** One end of a line: anything with a network namespace. */
export type LineEnd = Pick<Host, 'namespace' | 'run' | 'sandboxDir'>;

/** A cable between two network namespaces, point to point. */
export interface Line {
  /** The address of each end, by which the other reaches it. */
  near: string;
  far: string;
  /** How long a packet takes each way, in milliseconds, and how many of a hundred are lost; none unless said. */
  shape(how: { delayMs?: number; lossPercent?: number }): Promise<void>;
  /** As a cable that is pulled out: both ends know. */
  unplug(): Promise<void>;
  plug(): Promise<void>;
  close(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('line.pl', import.meta.url));

/** `subnet` is the first three numbers of an IPv4 network that neither end has, such as `10.91.1`. */
export async function connectNamespaces(near: LineEnd, far: LineEnd, subnet: string): Promise<Line> {
  const id = randomBytes(4).toString('hex');
  const devices = [`tl${id}n`, `tl${id}f`] as const;
  const addresses = [`${subnet}.1`, `${subnet}.2`] as const;
  const name = `line-${id}`;
  const file = join(near.sandboxDir, `${name}.shape`);
  await writeFile(file, '0 0\n');
  const mark = await startDaemon({
    sandboxDir: near.sandboxDir,
    name,
    command: 'perl',
    args: [PROGRAM, ...devices, file],
    logFile: join(near.sandboxDir, `${name}.log`),
    ready: async () => {
      const found = await Promise.all(devices.map((device) => isThere(device)));
      return found.every(Boolean);
    },
  });
  const ends = [near, far] as const;
  for (const [at, { namespace }] of ends.entries()) {
    await run('ip', ['link', 'set', devices[at] ?? '', 'netns', namespace]);
  }
  const plug = async () => {
    for (const [at, end] of ends.entries()) {
      const [device = '', address = '', peer = ''] = [devices[at], addresses[at], addresses[1 - at]];
      await end.run('ip', ['address', 'replace', address, 'peer', peer, 'dev', device]);
      await end.run('ip', ['link', 'set', device, 'up']);
    }
  };
  await plug();
  return {
    near: addresses[0],
    far: addresses[1],
    async shape({ delayMs = 0, lossPercent = 0 }) {
      await writeFile(file, `${delayMs} ${lossPercent}\n`);
      process.kill(mark.pid, 'SIGHUP');
    },
    plug,
    async unplug() {
      for (const [at, end] of ends.entries()) await end.run('ip', ['link', 'set', devices[at] ?? '', 'down']);
    },
    close: () => endDaemon(near.sandboxDir, name),
  };
}

function isThere(device: string): Promise<boolean> {
  return run('ip', ['link', 'show', device]).then(
    () => true,
    () => false,
  );
}
