import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedSandbox, startAgent } from '@towline/test/sandbox';
import { expect, test } from 'vitest';
import { openLink } from '../../bench/open-link.ts';
import { wayTo } from '../severable-way.ts';

const { registry, hosts, podman } = await sharedSandbox();
const LINES = 2_000;
/** Writes to both streams, many lines at once and then none for a moment. */
const SCRIPT = `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo out $i; echo err $i >&2; [ $((i % 300)) = 0 ] && sleep 0.2; done; sleep 0.2`;

test.each([
  ['dockerd', () => hosts.a],
  ['Podman', podman],
])('a container’s log that is cut off again and again has every line once, on %s', async (_, hostOf) => {
  const host = hostOf();
  const dir = await mkdtemp('/tmp/tl-clog-');
  const name = `clog-${dir.slice(-6).toLowerCase()}`;
  let agent = await startAgent({ host, dir: join(dir, 'a') });
  const way = await wayTo(agent.socket, join(dir, 'way.sock'));
  const link = await openLink(way.path);
  const image = `${registry}/test/faulty:ok`;
  try {
    await host.docker('run', '-d', '--name', name, '--entrypoint', '/bin/sh', image, '-c', SCRIPT);
    const seen: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] };
    const { signal } = new AbortController();
    let cuts = 0;
    let next = 900;
    let restarted: Promise<void> | undefined;
    for await (const { stream, line } of link.logs(name, { follow: true, tail: 2 * LINES, signal })) {
      seen[stream].push(line);
      const count = seen.stdout.length + seen.stderr.length;
      // What was read before a cut goes on to come: the next one is of a connection again.
      if (count >= next && way.cut() > 0) {
        cuts += 1;
        next = count + 900;
      }
      // An agent that ends lets its streams end: that is not the log's.
      if (count === LINES) {
        restarted = agent.stop().then(async () => {
          agent = await startAgent({ host, dir: join(dir, 'a') });
        });
      }
    }
    await restarted;
    expect(cuts).toBeGreaterThan(1);
    const numbers = Array.from({ length: LINES }, (__, at) => at + 1);
    expect(seen.stdout).toEqual(numbers.map((number) => `out ${number}`));
    expect(seen.stderr).toEqual(numbers.map((number) => `err ${number}`));
  } finally {
    await link.close();
    await way.close();
    await agent.stop();
    await host.docker('rm', '-f', name);
    await rm(dir, { recursive: true });
  }
});
