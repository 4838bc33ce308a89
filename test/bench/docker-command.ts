import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '@towline/test/sandbox';
import { now } from './engine-http.ts';

const DEBIAN = '/usr/bin/docker';
/** An engine that loses its way in a log (see `log-bursts.ts`) would be waited for without end. */
const PATIENCE_MS = 300_000;

/**
 * Runs the docker command with BuildKit on a host's engine, to its end: the milliseconds that it took. What it writes is
 * read from pipes. Debian's where it is there, which has BuildKit in it: a newer one may be first in the path, and wants a
 * plugin. Throws with its last words.
 */
export async function dockerCommand(
  host: Host,
  words: readonly string[],
  onOutput: (chunk: Buffer) => void = () => {},
): Promise<number> {
  const began = now();
  const child = spawn(existsSync(DEBIAN) ? DEBIAN : 'docker', words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
    env: {
      ...process.env,
      DOCKER_HOST: `unix://${host.socket}`,
      DOCKER_CONFIG: join(host.sandboxDir, 'docker-command'),
      DOCKER_BUILDKIT: '1',
      // It would keep what it has back for 100 ms, as it would from an eye.
      TTY_DISPLAY_RATE: '1',
    },
  });
  let last: Buffer = Buffer.alloc(0);
  const read = (chunk: Buffer) => {
    onOutput(chunk);
    last = chunk;
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const code = await new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  const wall = now() - began;
  if (code !== 0) throw new Error(`docker ${words[0]} ended with ${code}: ${last.toString().slice(-2_000)}`);
  return wall;
}
