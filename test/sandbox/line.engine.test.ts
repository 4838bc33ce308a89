import { expect, test } from 'vitest';
import { connectNamespaces } from './line.ts';
import { sharedSandbox } from './shared-sandbox.ts';

const { hosts } = await sharedSandbox();

/** Gives back what it gets; `q` ends it. */
const SERVE = `require("net").createServer((end) => end.on("data", (data) => String(data) === "q" ? process.exit() : end.write(data)))
  .listen(7007, process.argv[1])`;
const ASK = `const since = performance.now(); const [, host, word] = process.argv; require("net").connect({ port: 7007, host })
  .on("data", () => { console.log(performance.now() - since); process.exit() })
  .on("close", () => process.exit()).on("error", ({ code }) => console.log(code)).write(word)`;

test('what goes in at one end comes out at the other, late or not at all', async () => {
  const line = await connectNamespaces(hosts.a, hosts.b, '10.91.200');
  const { execPath } = process;
  const serving = hosts.b.run('timeout', ['100', execPath, '-e', SERVE, line.far]);
  const ask = (seconds: number, word = 'x') =>
    hosts.a.run('timeout', [String(seconds), execPath, '-e', ASK, line.far, word]);
  try {
    await expect.poll(() => ask(20), { timeout: 20_000 }).toMatch(/^[\d.]+\n$/);
    // There and back to connect, and there and back for the answer.
    await line.shape({ delayMs: 100 });
    expect(Number(await ask(20))).toBeGreaterThanOrEqual(400);
    await line.shape({ lossPercent: 100 });
    await expect(ask(1)).rejects.toThrow();
    await line.unplug();
    expect(await ask(20)).toMatch(/^E(NETUNREACH|HOSTUNREACH)\n$/);
    await line.plug();
    await line.shape({ lossPercent: 5 });
    expect(Number(await ask(50))).toBeGreaterThan(0);
    await line.shape({});
    await ask(20, 'q');
    await serving;
  } finally {
    await line.close();
  }
});
