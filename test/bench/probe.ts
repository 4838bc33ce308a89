import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Host } from '@towline/test/sandbox';

const PROGRAM = fileURLToPath(new URL('./probe-main.ts', import.meta.url));

/** For how many milliseconds, seen from outside, a page on the host's loopback is away while `work` is done. */
export async function probe(host: Host, port: number, work: () => Promise<unknown>): Promise<number> {
  const ready = join(host.sandboxDir, `probe-${port}`);
  const probing = host.run(process.execPath, [PROGRAM, `http://127.0.0.1:${port}/`, ready]);
  let failed: unknown;
  probing.catch((error: unknown) => {
    failed = error;
  });
  while (!existsSync(ready)) {
    if (failed !== undefined) throw failed;
    await sleep(5);
  }
  await work();
  const away = Number(await probing);
  await rm(ready);
  return away;
}
