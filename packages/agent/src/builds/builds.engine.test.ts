import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildRun, reasonLine } from '@towline/core/build';
import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BuildsOnEngine, SERVICE } from './builds-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
let on: BuildsOnEngine;

beforeEach(async () => {
  on = await BuildsOnEngine.start(hosts.a, registry);
});
afterEach(() => on.close());

const states = (run: BuildRun) => run.steps.map(({ kind, state }) => `${kind} ${state}`);

test('a run downloads, builds, makes an image and pushes it', async () => {
  const commit = await on.repository.commit({ message: 'A new page', files: { page: 'two\n' } });
  const run = await on.run(on.definition(), undefined);
  expect(run.error).toBeUndefined();
  expect(run).toMatchObject({
    state: 'DONE',
    number: 1,
    tag: '1.0.0.B000001',
    operator: 'tester',
    commit: { commit, ref: 'main', subject: 'A new page', author: 'Ada Example' },
    pushed: { digest: expect.stringMatching(/^sha256:/) },
  });
  expect(states(run)).toEqual(['download DONE', 'build DONE', 'create-image DONE', 'push DONE']);
  const ref = `${on.image()}:1.0.0.B000001`;
  expect(await on.left()).toEqual({ containers: [], images: [ref] });
  const image = JSON.parse(await on.host.docker('image', 'inspect', ref))[0];
  expect(image).toMatchObject({
    Id: run.imageId,
    Size: run.size,
    RepoDigests: [`${on.image()}@${run.pushed?.digest}`],
    Config: {
      Labels: {
        'io.towline.image.build': 'shop/storefront',
        'io.towline.image.run': run.id,
        'org.opencontainers.image.version': run.tag,
        'org.opencontainers.image.revision': commit,
      },
    },
  });
  expect(await on.host.docker('run', '--rm', '--entrypoint', 'cat', ref, '/page')).toBe('two\ncompiled\n');
  expect((await on.lines(run.id, 'download')).at(-1)).toContain('A new page');
  expect((await on.lines(run.id, 'build')).slice(-2)).toEqual(['two', 'compiled']);
  expect((await on.lines(run.id, 'create-image')).join('\n')).toMatch(/COPY page \/page DONE \d/);
  expect((await on.lines(run.id, 'push')).at(-1)).toContain(run.pushed?.digest);
  expect(run.vertices.some(({ name, state }) => name.includes('COPY page') && state === 'DONE')).toBe(true);
  expect(on.builds.latest({ service: SERVICE, build: 'storefront' })).toMatchObject({ tag: run.tag });
});

async function failing(change: Parameters<typeof on.definition>[0], step: string) {
  const run = await on.run(on.definition(change));
  expect(run.state).toBe('ERROR');
  const failed = run.steps.find(({ state }) => state === 'ERROR');
  expect(failed?.kind).toBe(step);
  expect(failed?.error).toEqual(run.error);
  expect(await on.left()).toEqual({ containers: [], images: [] });
  const { error } = run;
  if (error === undefined || failed === undefined) throw new Error('no reason');
  const lines = await on.lines(run.id, failed.kind);
  expect(lines.join('\n')).toContain(`ERROR: ${reasonLine(error.message)}`);
  expect(lines[(error.line?.seq ?? 0) - 1]).toBeDefined();
  expect(run.steps.slice(run.steps.indexOf(failed) + 1).every(({ state }) => state === 'WAIT')).toBe(true);
  return { run, error, lines };
}

test('a download that fails says why', async () => {
  const source = { git: on.repository.url, ref: 'no-such-branch' };
  const { run, error } = await failing({ source }, 'download');
  expect(error.code).toBe('no-such-ref');
  expect(run.commit).toBeUndefined();
});

test('a command that fails says its exit code and where it did', async () => {
  const command = {
    image: on.baseImage,
    run: 'echo fine; echo "main.c:3: error: no such thing" >&2; exit 3',
  };
  const { error, lines } = await failing({ command }, 'build');
  expect(error).toMatchObject({
    code: 'build-command-failed',
    message: expect.stringContaining('exit code 3'),
  });
  expect(lines[(error.line?.seq ?? 0) - 1]).toBe('main.c:3: error: no such thing');
  // Its end says the reason, and not once more what stands above it.
  expect(error.message).toContain('\nmain.c:3: error: no such thing');
  expect(lines.filter((text) => text.includes('main.c:3'))).toHaveLength(1);
});

test('a Dockerfile that fails says its line', async () => {
  const image = { name: on.image(), version: '1.0.0' };
  const dockerfileInline = on.dockerfile('RUN echo fine', 'RUN echo broken >&2; exit 7');
  const { error } = await failing({ image: { ...image, dockerfileInline } }, 'create-image');
  expect(error).toMatchObject({
    code: 'build-step-failed',
    line: { number: 4, text: 'RUN echo broken >&2; exit 7' },
  });
  const unreadable = await failing(
    { image: { ...image, dockerfileInline: on.dockerfile('RUNN nothing') } },
    'create-image',
  );
  expect(unreadable.error).toMatchObject({ code: 'dockerfile', line: { number: 3, text: 'RUNN nothing' } });
});

test('a push that fails says why, and leaves no image', async () => {
  const image = { name: `localhost:1/${on.word}/storefront`, version: '1.0.0' };
  const { run, error } = await failing({ image }, 'push');
  expect(error.code).toBe('registry-unavailable');
  expect(run).toMatchObject({ imageId: expect.stringMatching(/^sha256:/), imageRemoved: true });
  expect(on.builds.latest({ service: SERVICE, build: 'storefront' })).toBeUndefined();
});

test('one step alone works on what the earlier ones left', async () => {
  expect(await on.run(on.definition(), { only: 'build' })).toMatchObject({
    state: 'ERROR',
    error: { code: 'no-source' },
  });
  expect(await on.run(on.definition(), { only: 'push' })).toMatchObject({
    state: 'ERROR',
    error: { code: 'no-image' },
  });
  const whole = await on.run();
  expect(whole.number).toBe(3);
  const made = await on.run(on.definition(), { only: 'create-image' });
  expect(made).toMatchObject({ state: 'DONE', number: 4, only: 'create-image', commit: whole.commit });
  expect(states(made)).toEqual(['create-image DONE']);
  const pushed = await on.run(on.definition(), { only: 'push' });
  expect(pushed).toMatchObject({ state: 'DONE', imageId: made.imageId, pushed: {} });
  const without = on.definition();
  delete without.command;
  const refused = await on.builds.run(on.input(without, { only: 'build' }));
  expect(refused).toMatchObject({ ok: false, error: { code: 'bad-request' } });
});

test('an image without a registry is not pushed', async () => {
  const run = await on.run(on.definition({ image: { name: `${on.word}/local`, version: '2' } }));
  expect(states(run)).toEqual(['download DONE', 'build DONE', 'create-image DONE']);
  expect(run.state).toBe('DONE');
});

test('secrets reach the build, and nothing that can be read', async () => {
  const value = 'correct-horse-battery';
  const put = (name: string) => on.builds.putSecret({ name, value, operator: 'tester' });
  const base = on.definition();
  const definition = {
    ...base,
    command: {
      ...base.command,
      image: on.baseImage,
      run: 'cat /run/secrets/npm; echo; exit 0',
      secrets: [{ id: 'npm', secret: 'npm-token' }],
    },
    image: {
      ...base.image,
      dockerfileInline: on.dockerfile(
        "RUN --mount=type=secret,id=npm cat /run/secrets/npm && echo '\u001b[2J\u001b]0;title\u0007' && exit 3",
      ),
      secrets: [{ id: 'npm', secret: 'npm-token' }],
    },
  };
  const refused = await on.builds.run(on.input(definition));
  expect(refused).toMatchObject({
    ok: false,
    error: { code: 'refused', refusal: { code: 'secret-missing' } },
  });
  await put('npm-token');
  expect(await on.builds.secretNames()).toMatchObject([{ name: 'npm-token' }]);
  const run = await on.run(definition);
  // The refusal took no number.
  expect(run).toMatchObject({
    number: 1,
    state: 'ERROR',
    error: { message: expect.stringContaining('***') },
  });
  expect((await on.lines(run.id, 'build')).at(-1)).toBe('***');
  expect((await on.lines(run.id, 'create-image')).join('\n')).toContain('***');
  expect(JSON.stringify(run)).not.toContain(value);
  // Nor what would drive the terminal of whoever reads the reason or a step's name.
  expect(run.vertices.map(({ name }) => name).join()).toContain('exit 3');
  expect(JSON.stringify(run)).not.toContain(String.raw`\u001b`);
  for (const folder of ['builds', 'logs', 'sources', 'caches']) {
    for (const entry of await readdir(join(on.stateDir, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      expect(await readFile(join(entry.parentPath, entry.name), 'utf8'), entry.name).not.toContain(value);
    }
  }
  expect(await on.builds.removeSecret('npm-token')).toMatchObject({ ok: true });
  expect(await on.builds.removeSecret('npm-token')).toMatchObject({
    ok: false,
    error: { code: 'not-found' },
  });
});

test('a note is written at any time, and taken away', async () => {
  const run = await on.run(on.definition(), { note: 'for the fair' });
  expect(run.note).toBe('for the fair');
  await on.builds.setNote(run.id, 'the fair is over', 'another');
  expect((await on.builds.get(run.id))?.note).toBe('the fair is over');
  await on.restart();
  expect(on.builds.runs({ limit: 10 }).runs[0]).toMatchObject({ id: run.id, note: 'the fair is over' });
  await on.builds.setNote(run.id, '', 'another');
  expect(on.builds.runs({ limit: 10 }).runs[0]?.note).toBeUndefined();
  expect(await on.builds.setNote('none', '', 'another')).toMatchObject({
    ok: false,
    error: { code: 'not-found' },
  });
});

test('what is kept of a build can be cleared, and is had again', async () => {
  const base = on.definition();
  const command = { image: on.baseImage, run: 'ls /cache; date +%s%N > /cache/kept', caches: ['/cache'] };
  const definition = { ...base, command };
  await on.run(definition);
  const second = await on.run(definition);
  expect((await on.lines(second.id, 'build')).at(-1)).toBe('kept');
  const clean = { service: SERVICE, build: 'storefront', operator: 'tester' };
  const cleaned = await on.builds.clean({ ...clean, what: ['source', 'cache'] });
  expect(cleaned.ok && cleaned.value.freed).toBeGreaterThan(0);
  expect(await on.builds.clean({ ...clean, what: ['source', 'cache'] })).toEqual({
    ok: true,
    value: { freed: 0 },
  });
  const third = await on.run(definition);
  expect(third.state).toBe('DONE');
  expect((await on.lines(third.id, 'build')).at(-1)).not.toBe('kept');
});

test('the commits between two tags are told, in either direction', async () => {
  const first = await on.run();
  await on.repository.commit({ message: 'Second' });
  await on.repository.commit({ message: 'Third' });
  const second = await on.run();
  const between = (from: string, to: string) =>
    on.builds.commitsBetween(
      { service: SERVICE, build: 'storefront', from, to, limit: 10 },
      new AbortController().signal,
    );
  const subjects = ['Third', 'Second'].map((subject) => ({ subject }));
  expect(await between(first.tag, second.tag)).toMatchObject({
    value: { direction: 'forward', commits: subjects, more: false },
  });
  expect(await between(second.tag, first.tag)).toMatchObject({
    value: { direction: 'backward', commits: subjects },
  });
  expect(await between(first.tag, first.tag)).toMatchObject({ value: { direction: 'same', commits: [] } });
  expect(await between(first.tag, 'v9')).toMatchObject({ ok: false, error: { code: 'not-found' } });
});

test('old images go, and those that are in use stay', async () => {
  const definition = on.definition({ keep: 1 });
  const first = await on.run(definition);
  const ref = `${on.image()}:${first.tag}`;
  const id = (await on.host.docker('create', ref)).trim();
  const second = await on.run(definition);
  const third = await on.run(definition);
  const tags = async () => (await on.left()).images.map((name) => name.split(':').at(-1));
  // What is not kept any more goes after the run has ended.
  await vi.waitFor(async () => expect(await tags()).toEqual([first.tag, third.tag]));
  await vi.waitFor(async () => expect(await on.builds.get(second.id)).toMatchObject({ imageRemoved: true }));
  await on.host.docker('rm', id);
  const fourth = await on.run(definition);
  await vi.waitFor(async () => expect(await tags()).toEqual([fourth.tag]));
});

test('a Dockerfile that changed is the one that is built, also where it has as many letters as before', async () => {
  for (const word of ['first', 'other']) {
    const image = {
      name: on.image(),
      version: '1.0.0',
      dockerfileInline: on.dockerfile(`RUN echo ${word} > /word`),
    };
    const run = await on.run(on.definition({ image }));
    expect(
      await on.host.docker('run', '--rm', '--entrypoint', 'cat', `${run.image}:${run.tag}`, '/word'),
    ).toBe(`${word}\n`);
  }
});
