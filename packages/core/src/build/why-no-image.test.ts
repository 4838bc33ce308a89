import { expect, test } from 'vitest';
import { type BuildRun, whyNoImage } from './index.ts';

const RUN: BuildRun = {
  id: 'r',
  key: 'k',
  service: 'shop',
  build: 'site',
  number: 1,
  tag: '1.B000001',
  version: '1',
  image: 'r.io/site',
  operator: 'ann',
  fingerprint: 'f',
  state: 'DONE',
  steps: [
    { kind: 'download', state: 'DONE' },
    { kind: 'build', state: 'DONE' },
  ],
  vertices: [],
  imageId: 'sha256:1',
  queuedAt: 'q',
  lastSeq: 1,
};
const FAILED: BuildRun['steps'] = [
  { kind: 'build', state: 'ERROR', error: { code: 'exit', message: 'npm exited with 1.' } },
];

test.each<[string, Partial<BuildRun>, string | undefined]>([
  ['made one', {}, undefined],
  ['runs still', { state: 'RUNNING', imageId: undefined }, 'is not over: it is RUNNING.'],
  ['failed in a step', { state: 'ERROR', steps: FAILED }, 'failed in BUILD: npm exited with 1.'],
  [
    'failed with a step that wrote much',
    {
      state: 'ERROR',
      steps: [{ kind: 'build', state: 'ERROR', error: { code: 'exit', message: 'It exited with 1.\na\nb' } }],
    },
    'failed in BUILD: It exited with 1.',
  ],
  [
    'failed outside of one',
    { state: 'ERROR', error: { code: 'x', message: 'It rained.' } },
    'failed: It rained.',
  ],
  ['failed, and nobody says why', { state: 'ERROR' }, 'failed.'],
  ['was cancelled', { state: 'CANCELLED' }, 'was cancelled.'],
  ['was cancelled by somebody', { state: 'CANCELLED', cancelledBy: 'bob' }, 'was cancelled by bob.'],
  ['ran steps alone', { imageId: undefined }, 'ran DOWNLOAD, BUILD alone and made no image.'],
])('of a run that %s', (_, change, why) => {
  const said = why === undefined ? undefined : `The build site (1.B000001) ${why}`;
  expect(whyNoImage({ ...RUN, ...change })).toBe(said);
});
