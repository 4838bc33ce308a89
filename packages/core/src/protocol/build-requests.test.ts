import { describe, expect, test } from 'vitest';
import {
  buildLogChunkSchema,
  readBuildEvent,
  readWatchEvent,
  secretNamesSchema,
  watchEventSchema,
} from '../answers/index.ts';
import { refusalSchema } from '../job/index.ts';
import {
  buildLogInputSchema,
  buildRunsInputSchema,
  cleanBuildInputSchema,
  commitsBetweenInputSchema,
  executeInputSchema,
  followBuildLogInputSchema,
  MAX_LOG_ENTRIES,
  PROTOCOL_VERSION,
  putSecretInputSchema,
  runBuildInputSchema,
  searchBuildLogInputSchema,
} from './index.ts';

const definition = {
  name: 'site',
  source: { git: '/srv/site.git', ref: 'main' },
  image: { name: 'shop/site', version: '1' },
  agent: 'a',
};
const run = { key: 'key-0001', service: 'shop', definition, operator: 'ann' };

describe('what runBuild takes', () => {
  test.each<[string, unknown, boolean]>([
    ['a definition', run, true],
    ['one step alone, with a note', { ...run, only: 'create-image', note: 'x' }, true],
    ['a step that is none', { ...run, only: 'deploy' }, false],
    ['a short key', { ...run, key: 'x' }, false],
    [
      'a URL with a password',
      { ...run, definition: { ...definition, source: { git: 'https://a:b@h/x', ref: 'm' } } },
      false,
    ],
    [
      'a ref that is an option',
      { ...run, definition: { ...definition, source: { git: '/a', ref: '-x' } } },
      false,
    ],
    [
      'a Dockerfile elsewhere',
      { ...run, definition: { ...definition, image: { ...definition.image, dockerfile: '../x' } } },
      false,
    ],
    [
      'a path and a text',
      {
        ...run,
        definition: {
          ...definition,
          image: { ...definition.image, dockerfile: 'x', dockerfileInline: 'FROM x' },
        },
      },
      false,
    ],
    [
      'a command without an image',
      { ...run, definition: { ...definition, command: { run: 'make' } } },
      false,
    ],
  ])('%s: %#', (_name, input, good) => {
    expect(runBuildInputSchema.safeParse(input).success).toBe(good);
  });
});

describe('additions only', () => {
  test('what a peer without builds says is understood, and the version is what it was', () => {
    expect(PROTOCOL_VERSION).toBe(1);
    const snapshot = { type: 'snapshot', containers: [], jobs: [], degraded: [] };
    expect(readWatchEvent(snapshot)).toEqual({ kind: 'event', event: snapshot });
    const input = {
      key: 'key-0001',
      service: 's',
      map: 'm',
      server: 'w',
      operator: 'o',
      containers: [{ name: 'c', image: 'i', kind: 'built' }],
      choices: [{ container: 'c', choice: { mode: 'build-deploy', confirmed: true } }],
    };
    expect(executeInputSchema.parse(input)).toEqual(input);
  });

  test('a refusal of a newer peer keeps its sentence', () => {
    expect(refusalSchema.parse({ code: 'phase-of-the-moon', message: 'Wait for it.' })).toEqual({
      code: 'not-supported',
      message: 'Wait for it.',
    });
    expect(refusalSchema.safeParse({ code: 'no-tag' }).success).toBe(false);
  });
});

test('readBuildEvent: known, unknown, bad', () => {
  const started = { type: 'started', seq: 2, at: '2026-01-01T00:00:00Z' };
  expect(readBuildEvent({ ...started, extra: 1 })).toEqual({ kind: 'event', event: started });
  expect(readBuildEvent({ ...started, type: 'teleported' })).toEqual({ kind: 'unknown', type: 'teleported' });
  expect(readBuildEvent({ ...started, seq: 0 })).toMatchObject({ kind: 'bad' });
  expect(readWatchEvent({ type: 'build-run', run: {} })).toMatchObject({ kind: 'bad' });
  expect(watchEventSchema.options.map((option) => option.shape.type.value)).toContain('build-run');
});

test('what is asked for is bounded, and has its usual values', () => {
  expect(buildRunsInputSchema.parse({})).toEqual({ limit: 100 });
  expect(buildLogInputSchema.parse({ run: 'r', step: 'push', at: 'end' })).toMatchObject({ limit: 500 });
  expect(buildLogInputSchema.safeParse({ run: 'r', step: 'push', at: { from: 0 } }).success).toBe(false);
  expect(followBuildLogInputSchema.parse({ run: 'r', step: 'build' })).toEqual({ run: 'r', step: 'build' });
  expect(searchBuildLogInputSchema.parse({ run: 'r', step: 'build', what: 'error', from: 1 })).toMatchObject({
    direction: 'forward',
  });
  const entries = Array.from({ length: MAX_LOG_ENTRIES + 1 }, (_, at) => ({ seq: at + 1, text: '' }));
  expect(buildLogChunkSchema.safeParse({ entries }).success).toBe(false);
  expect(buildLogChunkSchema.safeParse({ entries: entries.slice(1) }).success).toBe(true);
  expect(cleanBuildInputSchema.safeParse({ service: 's', build: 'b', what: [], operator: 'o' }).success).toBe(
    false,
  );
  expect(
    commitsBetweenInputSchema.parse({ service: 's', build: 'b', from: '1.B000001', to: '1.B000002' }),
  ).toMatchObject({
    limit: 100,
  });
});

test('a secret can be written, and no answer has a place for its value', () => {
  expect(putSecretInputSchema.safeParse({ name: 'npm', value: 'x', operator: 'o' }).success).toBe(true);
  expect(putSecretInputSchema.safeParse({ name: '../npm', value: 'x', operator: 'o' }).success).toBe(false);
  expect(secretNamesSchema.parse([{ name: 'npm', updatedAt: 't', value: 'x' }])).toEqual([
    { name: 'npm', updatedAt: 't' },
  ]);
});
