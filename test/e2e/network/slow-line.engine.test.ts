import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createToken } from '@towline/agent/access';
import { makeNetworkPlace, sharedSandbox, startAgent } from '@towline/test/sandbox';
import { expect, test } from 'vitest';

const { registry, hosts } = await sharedSandbox();
const ASK = fileURLToPath(new URL('ask-beside-log-main.ts', import.meta.url));
const LINE_BYTES = 1_000;

test('on a slow line an answer is not behind megabytes of a log', async () => {
  const host = hosts.b;
  const dir = await mkdtemp('/tmp/tl-slow-');
  const name = `slow-${dir.slice(-6).toLowerCase()}`;
  const made = await createToken(join(dir, 'a', 'state'), { name: 'ada', role: 'viewer' }, Date.now());
  if (!made.ok) throw new Error(made.error.message);
  // A network of its own: what is slow there is slow for nobody else.
  const place = await makeNetworkPlace(host, 'slow-place');
  const there = { ...host, inside: place.inside };
  const args = ['--listen', '127.0.0.1:7443'];
  const agent = await startAgent({ host: there, dir: join(dir, 'a'), inside: true, args });
  try {
    const rate = ['tbf', 'rate', '3200kbit', 'burst', '128kb', 'latency', '400ms'];
    await place.run('tc', ['qdisc', 'add', 'dev', 'lo', 'root', ...rate]);
    const script = `x=$(head -c ${LINE_BYTES} /dev/zero | tr '\\0' x); while true; do for i in $(seq 100); do echo $x; done; sleep 0.01; done`;
    const image = `${registry}/test/faulty:ok`;
    await host.docker('run', '-d', '--name', name, '--entrypoint', '/bin/sh', image, '-c', script);
    const lines = await place.run(process.execPath, [ASK, 'ws://127.0.0.1:7443', made.value, name, '700']);
    // All that the system takes for a line is four thousand and more.
    expect(lines).toMatch(/^\d+$/);
    expect(Number(lines) * LINE_BYTES).toBeLessThan(1_500_000);
  } finally {
    await host.docker('rm', '-f', name);
    await agent.stop();
    await place.close();
    await rm(dir, { recursive: true });
  }
});
