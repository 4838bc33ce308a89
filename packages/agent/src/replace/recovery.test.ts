import { describe, expect, test } from 'vitest';
import { degradedCommands } from './degraded-commands.ts';
import type { JsonObject } from './json.ts';
import {
  asideActions,
  decideRecovery,
  finishActions,
  putBackActions,
  removedBefore,
  restoreActions,
  restoreOrder,
  type Seen,
  type SeenContainer,
} from './recovery.ts';
import { recreateRequest } from './recreate.ts';
import type { SavedContainer } from './saved.ts';

const OLD = 'aaaaaaaaaaaabbbb';
const NEW = 'ccccccccccccdddd';

function savedAs(inspect: JsonObject = {}, container = 'web'): SavedContainer {
  return {
    container,
    nextName: `${container}.next.j1`,
    previousName: `${container}.prev.j1`,
    settleSeconds: 3,
    follows: [],
    becomes: 'checked',
    image: { ref: 'shop/web:2', id: 'sha256:2' },
    old: {
      id: OLD,
      inspect: {
        Id: OLD,
        State: { Running: true },
        HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } },
        NetworkSettings: { Networks: { front: { Aliases: ['web', OLD.slice(0, 12)], IPAMConfig: null } } },
        ...inspect,
      },
    },
  };
}
const { old: _, ...created } = savedAs();

const always = { Name: 'always' };
const none = { Name: 'no' };
const before: SeenContainer = {
  id: OLD,
  name: 'web',
  running: true,
  restartPolicy: always,
  networks: ['front'],
};
const held = { ...before, restartPolicy: none };
const stopped = { ...held, running: false };
const away = { ...stopped, name: 'web.prev.j1' };
const fresh: SeenContainer = {
  id: NEW,
  name: 'web.next.j1',
  running: false,
  restartPolicy: always,
  networks: ['front'],
};
const started = { ...fresh, running: true };
const named = { ...started, name: 'web' };

describe('a new one that is set aside until the old one serves', () => {
  test.each<[string, Seen, unknown[]]>([
    ['nothing is there', { old: away }, []],
    [
      'it serves under its name',
      { old: away, next: named, holder: NEW },
      [
        { do: 'set-restart', id: NEW, policy: none },
        { do: 'stop', id: NEW },
        { do: 'rename', id: NEW, to: 'web.next.j1' },
      ],
    ],
    [
      'its engine is about to start it again',
      { old: away, next: { ...named, running: false, restarting: true }, holder: NEW },
      [
        { do: 'set-restart', id: NEW, policy: none },
        { do: 'stop', id: NEW },
        { do: 'rename', id: NEW, to: 'web.next.j1' },
      ],
    ],
    ['it is set aside already', { old: away, next: { ...fresh, restartPolicy: none } }, []],
  ])('%s', (_, seen, expected) => {
    expect(asideActions({ saved: savedAs(), seen })).toEqual(expected);
  });

  const aside = { ...fresh, restartPolicy: none };
  test.each<[string, Seen, Seen, unknown[]]>([
    [
      'the old one could not be started',
      { old: away, next: named, holder: NEW },
      { old: { ...stopped, restartPolicy: always }, next: aside, holder: OLD },
      [
        { do: 'set-restart', id: OLD, policy: none },
        { do: 'set-restart', id: NEW, policy: { Name: 'always' } },
        { do: 'start', id: NEW, gate: false },
        { do: 'rename', id: OLD, to: 'web.prev.j1' },
        { do: 'rename', id: NEW, to: 'web' },
      ],
    ],
    [
      'the old one was started and did not pass',
      { old: away, next: started },
      { old: before, next: aside, holder: OLD },
      [
        { do: 'stop', id: OLD },
        { do: 'set-restart', id: OLD, policy: none },
        { do: 'set-restart', id: NEW, policy: { Name: 'always' } },
        { do: 'start', id: NEW, gate: false },
        { do: 'rename', id: OLD, to: 'web.prev.j1' },
      ],
    ],
    [
      'the old one was started, did not pass, and is about to be started again by its engine',
      { old: away, next: started },
      { old: { ...before, running: false, restarting: true }, next: aside, holder: OLD },
      [
        { do: 'stop', id: OLD },
        { do: 'set-restart', id: OLD, policy: none },
        { do: 'set-restart', id: NEW, policy: { Name: 'always' } },
        { do: 'start', id: NEW, gate: false },
        { do: 'rename', id: OLD, to: 'web.prev.j1' },
      ],
    ],
    [
      'it could not be stopped',
      { old: away, next: named, holder: NEW },
      { old: away, next: { ...named, restartPolicy: none }, holder: NEW },
      [{ do: 'set-restart', id: NEW, policy: { Name: 'always' } }],
    ],
    [
      'an attempt that was cut off had set it aside',
      { old: away, next: aside },
      { old: away, next: aside },
      [
        { do: 'set-restart', id: NEW, policy: { Name: 'always' } },
        { do: 'start', id: NEW, gate: false },
      ],
    ],
    [
      'a person had stopped it',
      { old: away, next: { ...named, running: false }, holder: NEW },
      { old: away, next: aside },
      [
        { do: 'set-restart', id: NEW, policy: { Name: 'always' } },
        { do: 'rename', id: NEW, to: 'web' },
      ],
    ],
    ['it was removed meanwhile', { old: away, next: named, holder: NEW }, { old: away }, []],
  ])('%s: it comes back', (_, seen, after, expected) => {
    expect(putBackActions({ saved: savedAs(), seen }, after)).toEqual(expected);
  });
});

describe('what becomes of a job that was interrupted', () => {
  test.each<[string, Seen, boolean, string]>([
    ['before the create', { old: before, holder: OLD }, false, 'restore'],
    ['created', { old: before, next: fresh, holder: OLD }, false, 'restore'],
    ['restart policy held', { old: held, next: fresh, holder: OLD }, false, 'restore'],
    ['old stopped', { old: stopped, next: fresh, holder: OLD }, false, 'restore'],
    ['new started', { old: stopped, next: started, holder: OLD }, false, 'gate'],
    ['new started and ended', { old: stopped, next: fresh, holder: OLD }, false, 'restore'],
    ['old renamed', { old: away, next: started }, false, 'gate'],
    ['both renamed', { old: away, next: named, holder: NEW }, false, 'gate'],
    ['committed', { old: away, next: named, holder: NEW }, true, 'finish'],
    [
      'committed, and the new one ended since',
      { old: away, next: { ...named, running: false } },
      true,
      'finish',
    ],
    ['committed, and the new one was removed since', { old: away }, true, 'restore'],
    ['committed by a disk that denied it, and restored', { old: before, holder: OLD }, true, 'restore'],
    ['committed, and both are gone', {}, true, 'finish'],
    ['both run', { old: before, next: started, holder: OLD }, false, 'restore'],
    ['the old one is gone, the new one runs', { next: started }, false, 'gate'],
    ['nothing is there', {}, false, 'restore'],
  ])('%s', (_, seen, committed, expected) => {
    expect(decideRecovery([{ saved: savedAs(), seen }], committed)).toBe(expected);
  });

  test('of two containers one alone does not go forward', () => {
    const exchanged = { saved: savedAs(), seen: { old: away, next: named, holder: NEW } };
    const untouched = { saved: savedAs({}, 'db'), seen: { old: { ...before, name: 'db' }, holder: OLD } };
    expect(decideRecovery([exchanged, untouched], false)).toBe('restore');
    expect(decideRecovery([exchanged, exchanged], false)).toBe('gate');
  });

  test('one that was created for the first time and runs goes forward', () => {
    expect(decideRecovery([{ saved: created, seen: { next: started } }], false)).toBe('gate');
  });
});

describe('restore', () => {
  const remove = { do: 'remove', id: NEW };
  const rename = { do: 'rename', id: OLD, to: 'web' };
  const policy = { do: 'set-restart', id: OLD, policy: always };
  const start = { do: 'start', id: OLD, gate: true };
  test.each<[string, Seen, unknown[]]>([
    ['nothing was done', { old: before, holder: OLD }, []],
    ['created', { old: before, next: fresh, holder: OLD }, [remove]],
    ['held', { old: held, next: fresh, holder: OLD }, [remove, policy]],
    ['stopped', { old: stopped, next: fresh, holder: OLD }, [remove, policy, start]],
    ['old renamed', { old: away, next: started }, [remove, rename, policy, start]],
    ['both renamed', { old: away, next: named, holder: NEW }, [remove, rename, policy, start]],
    ['a restore that was interrupted', { old: stopped, holder: OLD }, [policy, start]],
    [
      'a network was lost',
      { old: { ...stopped, networks: [] }, next: fresh, holder: OLD },
      [remove, { do: 'connect', id: OLD, network: 'front', endpoint: { Aliases: ['web'] } }, policy, start],
    ],
  ])('%s', (_, seen, expected) => {
    expect(restoreActions({ saved: savedAs(), seen })).toEqual({ ok: true, value: expected });
  });

  test('one that was asked to stop and runs still is waited for: it would end a moment later', () => {
    const seen = { old: held, next: fresh, holder: OLD };
    expect(restoreActions({ saved: savedAs(), seen, stopPending: true })).toEqual({
      ok: true,
      value: [remove, policy, { do: 'await-stop', id: OLD }, start],
    });
    expect(restoreActions({ saved: savedAs(), seen: { ...seen, old: stopped }, stopPending: true })).toEqual({
      ok: true,
      value: [remove, policy, start],
    });
  });

  test('one that did not run is not started', () => {
    const saved = savedAs({ State: { Running: false } });
    expect(restoreActions({ saved, seen: { old: stopped, next: fresh, holder: OLD } })).toEqual({
      ok: true,
      value: [remove, policy],
    });
  });

  test('one that was unwell before is started, and not asked to be better than it was', () => {
    for (const state of [
      { Running: true, Restarting: true },
      { Running: true, Health: { Status: 'unhealthy' } },
    ]) {
      const saved = savedAs({ State: state });
      expect(restoreActions({ saved, seen: { old: stopped, holder: OLD } })).toEqual({
        ok: true,
        value: [policy, { do: 'start', id: OLD, gate: false }],
      });
    }
  });

  test('one that was created for the first time is removed', () => {
    expect(restoreActions({ saved: created, seen: { next: started } })).toEqual({
      ok: true,
      value: [remove],
    });
  });

  test('where the old one is gone nothing is removed: what is there may serve', () => {
    const result = restoreActions({ saved: savedAs(), seen: { next: started } });
    expect(result).toMatchObject({ ok: false, error: { code: 'old-gone' } });
  });

  test('a stranger with its name is left alone', () => {
    const result = restoreActions({ saved: savedAs(), seen: { old: away, holder: 'stranger' } });
    expect(result).toMatchObject({ ok: false, error: { code: 'name-taken' } });
  });
});

describe('finish', () => {
  test.each<[string, Seen, unknown[]]>([
    [
      'no name is changed yet',
      { old: stopped, next: started, holder: OLD },
      [
        { do: 'rename', id: OLD, to: 'web.prev.j1' },
        { do: 'rename', id: NEW, to: 'web' },
      ],
    ],
    ['the old one’s is', { old: away, next: started }, [{ do: 'rename', id: NEW, to: 'web' }]],
    ['both are', { old: away, next: named, holder: NEW }, []],
  ])('%s', (_, seen, expected) => {
    expect(finishActions({ saved: savedAs(), seen })).toEqual({ ok: true, value: expected });
  });

  test.each<[string, Seen, string]>([
    ['the new one is gone', { old: away }, 'new-gone'],
    ['a stranger has the name', { old: away, next: started, holder: 'stranger' }, 'name-taken'],
  ])('%s', (_, seen, code) => {
    expect(finishActions({ saved: savedAs(), seen })).toMatchObject({ ok: false, error: { code } });
  });
});

test('an old one that serves without its names gets them back, and is not started again', () => {
  const nameless = { ...before, name: 'web.prev.j1', aliases: { front: [OLD.slice(0, 12)] } };
  expect(restoreActions({ saved: savedAs(), seen: { old: nameless, next: named, holder: NEW } })).toEqual({
    ok: true,
    value: [
      { do: 'remove', id: NEW },
      { do: 'rename', id: OLD, to: 'web' },
      { do: 'disconnect', id: OLD, network: 'front' },
      { do: 'connect', id: OLD, network: 'front', endpoint: { Aliases: ['web'] } },
    ],
  });
  const whole = { ...before, aliases: { front: ['web', OLD.slice(0, 12)] } };
  expect(restoreActions({ saved: savedAs(), seen: { old: whole, holder: OLD } })).toEqual({
    ok: true,
    value: [],
  });
});

describe('with what hangs on a container', () => {
  const side = (becomes: SavedContainer['becomes']): SavedContainer => ({
    ...savedAs({}, 'side'),
    follows: ['web'],
    becomes,
  });
  const exchanged = { saved: savedAs(), seen: { old: away, next: named, holder: NEW } };
  const sideSeen = (next: SeenContainer | undefined): Seen => ({ old: { ...stopped, name: 'side' }, next });

  test.each<[string, SavedContainer['becomes'], SeenContainer | undefined, string]>([
    ['it was not created yet', 'checked', undefined, 'restore'],
    ['it was created, and did not run yet', 'checked', fresh, 'restore'],
    ['it runs', 'checked', started, 'gate'],
    ['it was stopped, and was not created yet', 'stopped', undefined, 'restore'],
    ['it was stopped, and is', 'stopped', fresh, 'gate'],
    ['it was unwell, and is', 'started', fresh, 'gate'],
  ])('%s', (_, becomes, next, expected) => {
    expect(decideRecovery([exchanged, { saved: side(becomes), seen: sideSeen(next) }], false)).toBe(expected);
  });

  const at = (container: string, follows: string[] = [], seen: Seen = { old: away, next: started }) => ({
    saved: { ...savedAs({}, container), follows },
    seen: { ...seen, next: seen.next && { ...seen.next, id: `new-${container}` } },
  });

  test('the last goes back first, and what hangs on another behind that one', () => {
    const order = restoreOrder([
      at('db'),
      at('web'),
      at('side', ['web']),
      at('outer', ['side', 'db']),
      at('last'),
    ]);
    expect(order.map(({ saved }) => saved.container)).toEqual(['last', 'web', 'side', 'db', 'outer']);
  });

  test('before a new one is removed those are that hang on it, the outer one first', () => {
    const all = [
      at('web'),
      at('side', ['web']),
      at('outer', ['side']),
      // It may serve, and there is nothing else.
      at('gone', ['web'], { next: started }),
      at('untouched', ['web'], { old: before }),
      at('other'),
    ];
    const [web, sideOf, outer] = all;
    if (web === undefined || sideOf === undefined || outer === undefined) throw new Error('three');
    expect(removedBefore(web, all)).toEqual([
      { do: 'remove', id: 'new-outer' },
      { do: 'remove', id: 'new-side' },
    ]);
    expect(removedBefore(sideOf, all)).toEqual([{ do: 'remove', id: 'new-outer' }]);
    expect(removedBefore(outer, all)).toEqual([]);
  });

  test('one that is gone is created again with the name of what it hangs on: the id may be another', () => {
    const hanging = {
      ...savedAs({ HostConfig: { NetworkMode: `container:${OLD}` } }, 'side'),
      follows: ['web'],
    };
    expect(recreateRequest(hanging, [savedAs(), hanging])?.body).toMatchObject({
      HostConfig: { NetworkMode: 'container:web' },
    });
  });
});

describe('the commands for a person', () => {
  const short = OLD.slice(0, 12);
  test.each<[string, Seen | undefined, string[]]>([
    [
      'the engine could not be asked',
      undefined,
      [
        'docker rm -f web.next.j1',
        `docker rename ${short} web`,
        `docker update --restart=always ${short}`,
        `docker start ${short}`,
      ],
    ],
    [
      'the old one does not start',
      { old: stopped, holder: OLD },
      [`docker update --restart=always ${short}`, `docker start ${short}`],
    ],
    [
      'a stranger has the name',
      { old: away, holder: 'stranger' },
      [
        'docker rename web web.other',
        `docker rename ${short} web`,
        `docker update --restart=always ${short}`,
        `docker start ${short}`,
      ],
    ],
  ])('%s', (_, seen, expected) => {
    expect(degradedCommands([{ saved: savedAs(), seen }])).toEqual(expected);
  });

  test('a container that is gone is created from its saved inspect', () => {
    const seen: Seen = { next: started };
    const endpoint = { Aliases: ['shop', 'web'], IPAMConfig: { IPv4Address: '10.9.0.7' } };
    const connect = [{ network: 'back', endpoint }];
    const recreate = { file: '/var/lib/towline/j1 web.json', connect };
    const socket = '/run/docker.sock';
    expect(degradedCommands([{ saved: savedAs(), seen, recreate, socket }])).toEqual([
      'docker rm -f web.next.j1',
      `curl -sS --unix-socket /run/docker.sock -H 'Content-Type: application/json' -d @'/var/lib/towline/j1 web.json' 'http://localhost/containers/create?name=web'`,
      'docker network connect --alias shop --alias web --ip 10.9.0.7 back web',
      'docker start web',
    ]);
  });

  test('retries are said with the policy', () => {
    const saved = savedAs({
      HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 4 } },
    });
    expect(degradedCommands([{ saved, seen: undefined }])).toContain(
      `docker update --restart=on-failure:4 ${short}`,
    );
  });
});
