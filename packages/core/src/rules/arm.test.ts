import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Arming,
  arm,
  type Choice,
  IMAGE_MODES,
  type ImageKind,
  initialChoice,
  modesOf,
  type ObservedTask,
  type RefusalCode,
  type ServerState,
  type Version,
  viewerRefusal,
} from './index.ts';

interface Change extends Partial<Omit<ObservedTask, 'server'>> {
  server?: Partial<ObservedTask['server']>;
}

/** A running common container that exists, runs 1.0.0 and has no job; changed as told. */
function facts({ server, ...change }: Change = {}): ObservedTask {
  return {
    server: { name: 'web', agent: 'alpha', state: 'Running', created: true, ...server },
    container: 'gateway',
    kind: 'common',
    exists: true,
    creatable: false,
    deployed: { tag: '1.0.0' },
    readOnly: false,
    ...change,
  };
}

const built: Change = { kind: 'built', latest: { tag: '1.1.0.B000002' }, deployed: { tag: '1.1.0.B000001' } };
const tag = (text: string): Choice => ({ mode: 'image-tag', tag: text });
const designated = (text: string): Choice => ({ mode: 'designated', tag: text });
const latest: Choice = { mode: 'latest' };
const build = (confirmed: boolean): Choice => ({ mode: 'build-deploy', confirmed });

function codeOf(arming: Arming): RefusalCode | 'armed' {
  return arming.armed ? 'armed' : arming.refusal.code;
}

describe('each rule of the product', () => {
  const nothing = (): ObservedTask => {
    const { deployed: _, ...rest } = facts();
    return rest;
  };

  test('Latest that is deployed asks for no other choice: there is none in that mode', () => {
    const arming = arm(latest, facts({ ...built, latest: { tag: '1.1.0.B000001' } }));
    expect(arming.armed ? '' : arming.refusal.message).toContain('Nothing newer has been built.');
  });

  test.each<[string, Choice, ObservedTask, RefusalCode | { stages: string[]; tag?: string }]>([
    ['Image Tag: another tag', tag('1.1.0'), facts(), { stages: ['deploy'], tag: '1.1.0' }],
    ['Image Tag: an older tag', tag('0.9.0'), facts(), { stages: ['deploy'], tag: '0.9.0' }],
    [
      'Image Tag: nothing known to be deployed',
      tag('1.0.0'),
      nothing(),
      { stages: ['deploy'], tag: '1.0.0' },
    ],
    ['Image Tag: empty', tag(''), facts(), 'no-tag'],
    ['Image Tag: no tag at all', tag('a tag'), facts(), 'invalid-tag'],
    ['Image Tag: a whole image', tag('nginx:1'), facts(), 'invalid-tag'],
    ['Image Tag: spaces', tag(' 1.1.0'), facts(), 'invalid-tag'],
    ['Image Tag: a digest', tag('sha256:0000'), facts(), 'invalid-tag'],
    ['Image Tag: 129 characters', tag('1'.repeat(129)), facts(), 'invalid-tag'],
    ['Image Tag: the deployed one', tag('1.0.0'), facts(), 'same-version'],
    ['latest over another', tag('latest'), facts(), { stages: ['deploy'], tag: 'latest' }],
    [
      'latest over latest',
      tag('latest'),
      facts({ deployed: { tag: 'latest' } }),
      { stages: ['deploy'], tag: 'latest' },
    ],
    ['Latest over Latest', tag('Latest'), facts({ deployed: { tag: 'Latest' } }), 'same-version'],
    ['LATEST over LATEST', tag('LATEST'), facts({ deployed: { tag: 'LATEST' } }), 'same-version'],
    ['another moving tag', tag('stable'), facts({ deployed: { tag: 'stable' } }), 'same-version'],

    [
      'Designated: another',
      designated('1.0.0.B000009'),
      facts(built),
      { stages: ['deploy'], tag: '1.0.0.B000009' },
    ],
    ['Designated: the deployed one', designated('1.1.0.B000001'), facts(built), 'same-version'],
    ['Designated: none', designated(''), facts(built), 'no-tag'],
    ['Designated: no tag at all', designated('?'), facts(built), 'invalid-tag'],
    [
      'Designated: latest over latest is not exempt',
      designated('latest'),
      facts({ ...built, deployed: { tag: 'latest' } }),
      'same-version',
    ],

    ['Latest: a newer one', latest, facts(built), { stages: ['deploy'], tag: '1.1.0.B000002' }],
    [
      'Latest: the deployed one',
      latest,
      facts({ ...built, latest: { tag: '1.1.0.B000001' } }),
      'same-version',
    ],
    ['Latest: none succeeded', latest, facts({ kind: 'built' }), 'no-successful-image'],

    ['Build & Deploy: confirmed', build(true), facts(built), { stages: ['build', 'deploy'] }],
    [
      'Build & Deploy: without any image yet',
      build(true),
      facts({ kind: 'built' }),
      { stages: ['build', 'deploy'] },
    ],
    ['Build & Deploy: not confirmed', build(false), facts(built), 'not-confirmed'],

    ['a common image takes no Designated', designated('1.1.0'), facts(), 'mode-not-allowed'],
    ['a common image takes no Latest', latest, facts(), 'mode-not-allowed'],
    ['a common image takes no build', build(true), facts(), 'mode-not-allowed'],
    ['a built image takes no Image Tag', tag('1.1.0'), facts(built), 'mode-not-allowed'],

    ['read-only', tag('1.1.0'), facts({ readOnly: true }), 'read-only'],
    ['a viewer’s token', tag('1.1.0'), facts({ viewer: 'board' }), 'read-only'],
    [
      'a viewer’s token on the build’s agent',
      build(true),
      facts({
        ...built,
        build: {
          name: 'b',
          agent: 'beta',
          delivered: true,
          unavailable: viewerRefusal('beta', 'board'),
        },
      }),
      'read-only',
    ],
    ['agent unreachable', tag('1.1.0'), facts({ server: { state: 'Unreachable' } }), 'agent-unreachable'],
    ['agent connecting', tag('1.1.0'), facts({ server: { state: 'Connecting' } }), 'agent-unreachable'],
    ['stopped', tag('1.1.0'), facts({ server: { state: 'Stopped' } }), 'server-not-running'],
    ['degraded', tag('1.1.0'), facts({ server: { state: 'Degraded' } }), 'server-not-running'],
    ['job running', tag('1.1.0'), facts({ server: { runningJob: 'j1' } }), 'job-running'],
    ['missing, no run', tag('1.1.0'), facts({ exists: false }), 'container-missing'],
    [
      'missing, the map says how',
      tag('1.1.0'),
      { ...nothing(), exists: false, creatable: true },
      { stages: ['deploy'], tag: '1.1.0' },
    ],
    [
      'a server that is not there yet may be created',
      tag('1.1.0'),
      {
        ...nothing(),
        ...facts({ server: { state: 'Stopped', created: false }, exists: false, creatable: true }),
      },
      { stages: ['deploy'], tag: '1.1.0' },
    ],
    [
      'a server that is not there yet, and the map does not say how',
      tag('1.1.0'),
      facts({ server: { state: 'Stopped', created: false }, exists: false }),
      'container-missing',
    ],
  ])('%s', (_name, choice, observed, expected) => {
    const arming = arm(choice, observed);
    if (typeof expected === 'string') {
      expect(codeOf(arming)).toBe(expected);
      if (!arming.armed) expect(arming.refusal.message).toMatch(/^[A-Z"a-z].*\.$/s);
    } else {
      expect(arming).toEqual({ armed: true, ...expected });
    }
  });
});

describe('of several refusals', () => {
  /** Each entry makes one refusal true; all that come later are true as well, and the first one is given. */
  const inOrder: [RefusalCode, Change][] = [
    ['read-only', { readOnly: true }],
    ['agent-unreachable', { server: { state: 'Unreachable' } }],
    // Of a viewer's token.
    ['read-only', { viewer: 'vic', server: { state: 'Running' } }],
    ['job-running', { server: { runningJob: 'j1' } }],
    ['server-not-running', { server: { state: 'Stopped' } }],
    ['mode-not-allowed', { kind: 'built' }],
    ['container-missing', { exists: false }],
    ['no-tag', {}],
  ];

  test.each(inOrder.map(([code], at) => [code, at] as const))('%s comes before all after it', (code, at) => {
    const change: Change = {};
    for (const [, one] of inOrder.slice(at).toReversed()) {
      Object.assign(change, one, { server: { ...change.server, ...one.server } });
    }
    expect(codeOf(arm(tag(''), facts(change)))).toBe(code);
  });
});

test('a refusal of the whole server names no container, one of a task does', () => {
  const stopped = arm(tag('1.1.0'), facts({ server: { state: 'Stopped', reason: 'it exited with 137.' } }));
  expect(stopped).toMatchObject({ armed: false });
  if (!stopped.armed) {
    expect(stopped.refusal.container).toBeUndefined();
    expect(stopped.refusal.message).toContain('web is not running: it exited with 137. Start');
  }
  expect(arm(tag(''), facts())).toMatchObject({ refusal: { container: 'gateway' } });
});

test('of a degraded server it says how to restore it, and where the commands of its last job are', () => {
  expect(arm(tag('1.1.0'), facts({ server: { state: 'Degraded' } }))).toMatchObject({
    refusal: {
      message:
        'web is degraded. Restore it (B, or `towline restore web`), or give the commands of its last job by hand: o shows them, and `towline job ID` (`towline jobs` has its ID).',
    },
  });
});

describe('over all facts', () => {
  const version = fc.option(fc.record({ tag: fc.constantFrom('latest', '1.0.0', '1.1.0', 'Latest') }), {
    nil: undefined,
  });
  const someTag = fc.oneof(fc.constantFrom('', 'latest', '1.0.0', '1.1.0', 'Latest', 'no tag'), fc.string());
  const choice: fc.Arbitrary<Choice> = fc.oneof(
    someTag.map(tag),
    someTag.map(designated),
    fc.constant(latest),
    fc.boolean().map(build),
  );
  const task: fc.Arbitrary<ObservedTask> = fc
    .record({
      state: fc.constantFrom<ServerState>('Running', 'Stopped', 'Degraded', 'Unreachable', 'Connecting'),
      created: fc.boolean(),
      job: fc.option(fc.constant('j1'), { nil: undefined }),
      kind: fc.constantFrom<ImageKind>('common', 'built'),
      exists: fc.boolean(),
      creatable: fc.boolean(),
      deployed: version,
      newest: version,
      readOnly: fc.boolean(),
    })
    .map(({ state, created, job, deployed, newest, ...rest }) => ({
      ...rest,
      server: { name: 'web', agent: 'alpha', state, created, ...(job !== undefined && { runningJob: job }) },
      container: 'gateway',
      ...(deployed !== undefined && { deployed }),
      ...(newest !== undefined && { latest: newest }),
    }));

  test('nothing is armed on what must not be touched', () => {
    fc.assert(
      fc.property(choice, task, (chosen, seen) => {
        const arming = arm(chosen, seen);
        if (!arming.armed) {
          expect(arming.refusal.message.length).toBeGreaterThan(10);
          expect(arming.refusal.message.length).toBeLessThan(400);
          return;
        }
        expect(seen.readOnly).toBe(false);
        expect(seen.server.runningJob).toBeUndefined();
        expect(seen.server.state === 'Running' || !seen.server.created).toBe(true);
        expect(seen.exists || seen.creatable).toBe(true);
        expect(modesOf(seen.kind)).toContain(chosen.mode);
        expect(arming.stages.at(-1)).toBe('deploy');
        expect(arming.stages.includes('build')).toBe(chosen.mode === 'build-deploy');
        expect(arming.tag === undefined).toBe(chosen.mode === 'build-deploy');
        if (arming.tag !== undefined && arming.tag === seen.deployed?.tag) {
          expect([chosen.mode, arming.tag]).toEqual(['image-tag', 'latest']);
        }
      }),
    );
  });

  test('what nobody chose yet is never armed', () => {
    fc.assert(
      fc.property(task, (seen) => {
        expect(arm(initialChoice(seen.kind, seen.deployed), seen).armed).toBe(false);
      }),
    );
  });
});

test('the modes of a kind, and what each begins with', () => {
  const deployed: Version = { tag: '1.0.0' };
  expect(modesOf('common')).toEqual(['image-tag']);
  expect(modesOf('built')).toEqual(['designated', 'latest', 'build-deploy']);
  expect(initialChoice('common', deployed)).toEqual({ mode: 'image-tag', tag: '' });
  expect(initialChoice('built', deployed)).toEqual({ mode: 'designated', tag: '1.0.0' });
  expect(initialChoice('built', undefined)).toEqual({ mode: 'designated', tag: '' });
  expect([...modesOf('common'), ...modesOf('built')].toSorted()).toEqual([...IMAGE_MODES].toSorted());
});
