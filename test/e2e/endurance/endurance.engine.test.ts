import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { executeOutputSchema } from '@towline/core/answers';
import type { ExecuteInput } from '@towline/core/protocol';
import { type RunningAgentProcess, residentBytes, sharedSandbox, startAgent } from '@towline/test/sandbox';
import { type AgentLink, jobEvents } from '@towline/tui/link';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLink } from '../../bench/open-link.ts';

/** `TOWLINE_ENDURANCE=1000` is the whole of it. */
const REPLACEMENTS = Number(process.env.TOWLINE_ENDURANCE ?? 30);
/** As many are its warming up. */
const WARM = Math.min(100, REPLACEMENTS / 3);
/** What a heap may breathe, over any number of replacements. */
const MEMORY_BYTES = 40 * 1024 * 1024;

const { registry, hosts } = await sharedSandbox();
const host = hosts.a;
const image = `${registry}/shop/gateway`;
const name = `endure-${randomBytes(3).toString('hex')}`;
let dir: string;
let agent: RunningAgentProcess;
/** What a heap may breathe was measured with this: a bundle begins with a smaller one, and breathes more. */
const SOURCE = fileURLToPath(new URL('../../../packages/agent/src/main.ts', import.meta.url));
let link: AgentLink;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-endure-'));
  agent = await startAgent({ host, dir, program: SOURCE });
  link = await openLink(agent.socket);
  await host.docker('network', 'create', name);
  const words = ['--network', name, '--network-alias', `${name}-front`, '--volume', '/data'];
  await host.docker('run', '--detach', '--name', name, ...words, `${image}:1.0.0`);
});
afterAll(async () => {
  await link?.close();
  await agent?.stop();
  const left = await ours();
  if (left.length > 0) await host.docker('rm', '--force', '--volumes', ...left);
  await host.docker('network', 'rm', name);
  await rm(dir, { recursive: true, force: true });
});

async function ours(): Promise<string[]> {
  const listed = await host.docker('ps', '-a', '--filter', `name=${name}`, '--format', '{{.Names}}');
  return listed.split('\n').filter(Boolean).sort();
}

async function replace(tag: string): Promise<void> {
  const input: ExecuteInput = {
    key: randomUUID(),
    service: 'endure',
    map: 'endure',
    server: name,
    operator: 'endure',
    containers: [{ name, image, kind: 'common', settle: 0 }],
    choices: [{ container: name, choice: { mode: 'image-tag', tag } }],
  };
  const begun = await link.insist((client) => client.execute.mutate(input), executeOutputSchema, 'lost');
  if (!begun.ok) throw new Error(begun.error.message);
  let state: string | undefined;
  for await (const event of link.follow(jobEvents(begun.value.jobId), new AbortController().signal)) {
    if (event.type === 'failed') throw new Error(event.error.message);
    if (event.type === 'ended') state = event.state;
  }
  expect(state).toBe('DONE');
}

async function held() {
  const [files, bytes] = await Promise.all([readdir(`/proc/${agent.pid}/fd`), residentBytes(agent.pid)]);
  return { files: files.length, bytes };
}

test(`after ${REPLACEMENTS} replacements nothing is left over, and the agent holds what it held`, {
  timeout: 60_000 + REPLACEMENTS * 10_000,
}, async () => {
  const volumeOf = async (container: string) =>
    (await host.docker('inspect', '--format', '{{range .Mounts}}{{.Name}}{{end}}', container)).trim();
  const volume = await volumeOf(name);
  let warm: Awaited<ReturnType<typeof held>> | undefined;
  for (let at = 0; at < REPLACEMENTS; at++) {
    if (at >= WARM) warm ??= await held();
    await replace(at % 2 === 0 ? '1.1.0' : '1.0.0');
  }
  const containers = [name, expect.stringMatching(/\.prev\./)];
  await expect.poll(ours).toEqual(containers);
  // The one that is kept shares it: there never was another.
  for (const container of await ours()) expect(await volumeOf(container)).toBe(volume);
  const networks = await host.docker('network', 'ls', '--filter', `name=${name}`, '--format', '{{.Name}}');
  expect(networks.trim()).toBe(name);
  const end = await held();
  process.stdout.write(`${JSON.stringify({ REPLACEMENTS, warm, end })}\n`);
  expect(end.files).toBeLessThanOrEqual((warm?.files ?? 0) + 3);
  expect(end.bytes).toBeLessThanOrEqual((warm?.bytes ?? 0) + MEMORY_BYTES);
});
