import { createSandbox, type Host, pushStandardImages, type Sandbox } from '@towline/test/sandbox';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { BuildsOnEngine } from './builds-on-engine.ts';

let sandbox: Sandbox;
let host: Host;
let on: BuildsOnEngine;

beforeAll(async () => {
  sandbox = await createSandbox({});
  host = await sandbox.createHost('l');
  await pushStandardImages(sandbox);
});
afterAll(() => sandbox?.close());
beforeEach(async () => {
  on = await BuildsOnEngine.start(host, sandbox.registry.host);
});
afterEach(() => on.close());

test.each(['build', 'create-image'] as const)(
  'an engine that dies in %s is the reason, and what it had goes when it is back',
  async (step) => {
    const { definition, held } = await on.holding(step);
    const id = await on.begin(definition);
    await held(id);
    await host.stopEngine('SIGKILL');
    const run = await on.ended(id);
    expect(run.state).toBe('ERROR');
    expect(run.steps.find(({ kind }) => kind === step)?.state).toBe('ERROR');
    expect(await on.builds.run(on.input())).toMatchObject({
      ok: false,
      error: { code: 'engine-unreachable' },
    });
    await host.startEngine();
    await vi.waitFor(async () => expect(await on.left()).toEqual({ containers: [], images: [] }), {
      interval: 100,
    });
    expect(await on.run()).toMatchObject({ state: 'DONE', number: 2 });
  },
);
