import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BuildsOnEngine } from './builds-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
let on: BuildsOnEngine;

beforeEach(async () => {
  on = await BuildsOnEngine.start(hosts.a, registry);
});
afterEach(() => on.close());

const LINES = 60_000;

function printing(run: string) {
  return on.definition({ command: { image: on.baseImage, run } });
}

test('a live log that is cut again and again comes whole: no line lost, none twice', async () => {
  const id = await on.begin(printing(`seq 1 ${LINES}; echo over`));
  const seqs: number[] = [];
  const texts: string[] = [];
  for (let cuts = 0; texts.at(-1) !== 'over'; cuts++) {
    const cut = new AbortController();
    const last = seqs.at(-1);
    const followed = await on.builds.followLog(
      { run: id, step: 'build', ...(last !== undefined && { lastEventId: String(last) }) },
      cut.signal,
    );
    if (!followed.ok) throw new Error(followed.error.message);
    let seen = 0;
    for await (const { entries } of followed.value) {
      seqs.push(...entries.map(({ seq }) => seq));
      texts.push(...entries.map(({ text }) => text));
      seen += entries.length;
      if (seen > 5_000) cut.abort();
    }
    expect(cuts).toBeLessThan(LINES);
  }
  expect(seqs).toEqual(seqs.map((_, at) => at + 1));
  expect(texts.slice(texts.indexOf('1'))).toEqual([
    ...Array.from({ length: LINES }, (_, at) => String(at + 1)),
    'over',
  ]);
  await on.ended(id);
});

test('a log is followed from a line, from the tail and from before its step began', async () => {
  const id = await on.begin(printing('seq 1 100; echo "an error: none"; seq 101 200'));
  // Asked for while the run is downloading.
  const whole = await on.lines(id, 'build');
  await on.ended(id);
  expect(whole.slice(-201)).toEqual([
    ...Array.from({ length: 100 }, (_, at) => String(at + 1)),
    'an error: none',
    ...Array.from({ length: 100 }, (_, at) => String(at + 101)),
  ]);
  const collect = async (start: { tail?: number; fromSeq?: number }) => {
    const followed = await on.builds.followLog(
      { run: id, step: 'build', ...start },
      new AbortController().signal,
    );
    if (!followed.ok) throw new Error(followed.error.message);
    const texts: string[] = [];
    for await (const { entries } of followed.value) texts.push(...entries.map(({ text }) => text));
    return texts;
  };
  expect(await collect({ tail: 3 })).toEqual(whole.slice(-3));
  expect(await collect({ tail: 0 })).toEqual([]);
  expect(await collect({ fromSeq: whole.length - 1, tail: 9 })).toEqual(whole.slice(-2));
  const at = whole.indexOf('an error: none') + 1;
  const log = { run: id, step: 'build' } as const;
  expect(await on.builds.log({ ...log, at: { from: at }, limit: 2 })).toMatchObject({
    value: {
      entries: [
        { seq: at, text: 'an error: none' },
        { seq: at + 1, text: '101' },
      ],
      lines: whole.length,
    },
  });
  expect(await on.builds.log({ ...log, at: { before: at }, limit: 1 })).toMatchObject({
    value: { entries: [{ seq: at - 1, text: '100' }] },
  });
  const search = { ...log, from: 1, direction: 'forward' } as const;
  expect(await on.builds.searchLog({ ...search, what: 'error' })).toEqual({
    ok: true,
    value: { result: 'found', seq: at },
  });
  expect(await on.builds.searchLog({ ...search, what: { text: 'AN ERROR' } })).toMatchObject({
    value: { seq: at },
  });
  expect(await on.builds.searchLog({ ...search, what: { text: 'nothing' } })).toMatchObject({
    value: { result: 'nowhere' },
  });
});

test('a log of what is not there is said not to be', async () => {
  const run = await on.run(on.definition({ source: { git: on.repository.url, ref: 'none' } }));
  const log = (id: string, step: 'build' | 'push') => on.builds.log({ run: id, step, at: 'end', limit: 1 });
  expect(await log(run.id, 'build')).toMatchObject({
    error: { code: 'not-found', message: expect.stringContaining('has not begun') },
  });
  expect(await log('none', 'build')).toMatchObject({ error: { code: 'not-found' } });
  // Whoever follows a step that its run never came to is not kept waiting.
  expect(await on.lines(run.id, 'push')).toEqual([]);
});

test('a long line comes cut, and its rest in parts', async () => {
  const run = await on.run(printing('head -c 200000 /dev/zero | tr "\\0" x; echo; echo over'));
  const page = await on.builds.log({ run: run.id, step: 'build', at: 'end', limit: 2 });
  const entry = page.ok ? page.value.entries[0] : undefined;
  expect(entry).toMatchObject({ bytes: 200_000 });
  let text = '';
  for (let at: number | undefined = 0; at !== undefined; ) {
    const part = await on.builds.logPart({ run: run.id, step: 'build', seq: entry?.seq ?? 0, at });
    if (!part.ok) throw new Error(part.error.message);
    text += part.value.text;
    at = part.value.next;
  }
  expect(text).toBe('x'.repeat(200_000));
});
