import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedSandbox } from '@towline/test/sandbox';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BuildsOnEngine } from './builds-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const MB = 1024 * 1024;
let on: BuildsOnEngine;
let stateDir: string;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'tl-full-'));
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', stateDir]);
  on = await BuildsOnEngine.start(hosts.a, registry, { stateDir });
});
afterEach(async () => {
  await on.close();
  await execa('umount', ['--lazy', stateDir]);
  await rm(stateDir, { recursive: true, force: true });
});

test('a disk that is full of a source is the reason', async () => {
  await on.repository.commit({ files: { large: randomBytes(16 * MB) } });
  const run = await on.run();
  expect(run).toMatchObject({ state: 'ERROR', error: { code: 'disk-full' } });
  expect(run.steps[0]?.state).toBe('ERROR');
});

/** Without a command: the engine does not see this disk. */
function withoutCommand() {
  const { command: _, ...definition } = on.definition();
  return definition;
}

async function fill(): Promise<string> {
  const filler = join(stateDir, 'filler');
  await writeFile(filler, Buffer.alloc(16 * MB)).catch(() => undefined);
  return filler;
}

test('a disk that is full in the middle of a run: it is cancelled all the same, and nothing of it is left', async () => {
  const { definition, held } = await on.holding('create-image');
  const { command: _, ...rest } = definition;
  const id = await on.begin(rest);
  await held(id);
  const filler = await fill();
  await on.builds.cancel(id, 'tester');
  expect(await on.ended(id)).toMatchObject({ state: 'CANCELLED' });
  expect(await on.left()).toEqual({ containers: [], images: [] });
  await rm(filler);
  expect(await on.run(withoutCommand())).toMatchObject({ state: 'DONE', number: 2 });
});

test('where a run can’t be written down, none is begun, and its number is the next one’s', async () => {
  expect(await on.run(withoutCommand())).toMatchObject({ number: 1 });
  const filler = await fill();
  const refused = await on.builds.run(on.input());
  expect(refused).toMatchObject({
    ok: false,
    error: { code: 'internal', message: expect.stringContaining('Nothing was begun') },
  });
  expect(on.builds.activeCount()).toBe(0);
  await rm(filler);
  expect(await on.run(withoutCommand())).toMatchObject({ state: 'DONE', number: 2 });
  await on.restart();
  expect(on.builds.runs({ limit: 10 }).runs.map(({ number }) => number)).toEqual([2, 1]);
});
