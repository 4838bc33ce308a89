import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILD_STEP_KINDS, type BuildRun, type BuildStepKind } from '@towline/core/build';
import { type RunningAgentProcess, sharedSandbox, startAgent } from '@towline/test/sandbox';
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { AgentRouter } from '../server/index.ts';
import { BuildsOnEngine, SERVICE } from './builds-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.b;
/** For repositories and definitions; its builds are not used: they are those of an agent in a process of its own. */
let on: BuildsOnEngine;
let dir: string;
let agent: RunningAgentProcess | undefined;

beforeEach(async () => {
  on = await BuildsOnEngine.start(host, registry);
  dir = await mkdtemp(join(tmpdir(), 'tl-k-'));
});
afterEach(async () => {
  await agent?.stop('SIGKILL');
  await on.close();
  await rm(dir, { recursive: true, force: true });
});

function dial(socketPath: string) {
  const socket = createWSClient({
    url: `ws+unix:${socketPath}:/`,
    // As a browser's for all that the client does with it; Node's types and those of ws disagree on events.
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
  });
  return {
    client: createTRPCClient<AgentRouter>({ links: [wsLink({ client: socket })] }),
    close: () => socket.close(),
  };
}

type Client = ReturnType<typeof dial>['client'];

async function withAgent<T>(work: (client: Client) => Promise<T>): Promise<T> {
  agent = await startAgent({ host, dir });
  const { client, close } = dial(agent.socket);
  try {
    return await work(client);
  } finally {
    await close();
  }
}

async function reaches(client: Client, id: string, step: BuildStepKind, text: string): Promise<void> {
  const reached = Promise.withResolvers<void>();
  const following = client.followBuildLog.subscribe(
    { run: id, step },
    {
      onData({ data }) {
        if (data.entries.some((line) => line.text.includes(text))) reached.resolve();
      },
      onError: reached.reject,
      onComplete: () => reached.reject(new Error(`the log of ${step} ended without “${text}”`)),
    },
  );
  await reached.promise;
  following.unsubscribe();
}

async function linesOf(client: Client, run: BuildRun, step: BuildStepKind): Promise<string[]> {
  const { entries } = await client.buildLog.query({ run: run.id, step, at: 'end' });
  return entries.map(({ text }) => text);
}

test.each(BUILD_STEP_KINDS)(
  'an agent that is killed in %s has the run as interrupted afterwards',
  async (step) => {
    const { definition, held } = await on.holding(step);
    const { first, waiting } = await withAgent(async (client) => {
      const begun = await client.runBuild.mutate(on.input(definition));
      const queued = await client.runBuild.mutate(on.input(definition));
      expect(queued.queue).toMatchObject({ position: 1 });
      if (step === 'download') await held(begun.runId);
      else await reaches(client, begun.runId, step, step === 'push' ? 'Pushing' : 'holding');
      await agent?.stop('SIGKILL');
      return { first: begun, waiting: queued };
    });
    await withAgent(async (client) => {
      const run = await client.buildRun.query({ id: first.runId });
      expect(run).toMatchObject({ state: 'ERROR', error: { code: 'interrupted' }, number: 1 });
      expect(run.steps.find(({ kind }) => kind === step)).toMatchObject({ state: 'ERROR' });
      expect(await client.buildRun.query({ id: waiting.runId })).toMatchObject({
        state: 'ERROR',
        error: { code: 'interrupted', message: expect.stringContaining('waiting') },
      });
      const lines = await linesOf(client, run, step);
      if (step === 'build' || step === 'create-image') expect(lines.at(-2)).toBe('holding');
      expect(lines.at(-1)).toBe(`ERROR: ${run.error?.message}`);
      await vi.waitFor(
        async () => {
          expect(await on.left()).toEqual({ containers: [], images: [] });
          expect(await on.heldProcesses()).toEqual([]);
        },
        { interval: 100 },
      );
      // The name of its image can't be changed any more: of that one, the push is not waited for.
      const next = { ...on.definition(), image: { ...definition.image, dockerfileInline: on.dockerfile() } };
      const again = await client.runBuild.mutate(on.input(next));
      expect(again).toMatchObject({ number: 3, tag: '1.0.0.B000003' });
      expect(again.queue).toBeUndefined();
      await vi.waitFor(
        async () => {
          const { state, steps } = await client.buildRun.query({ id: again.runId });
          expect(step === 'push' ? steps.at(-1)?.state : state).toBe(step === 'push' ? 'RUNNING' : 'DONE');
        },
        { interval: 100 },
      );
      const { everRun } = await client.buildRuns.query({ service: SERVICE, build: 'storefront' });
      expect(everRun).toBe(3);
    });
  },
);
