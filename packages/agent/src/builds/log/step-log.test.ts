import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMasker } from '../secrets/index.ts';
import { type LogEntry, type LogReader, MAX_TEXT_BYTES, openStepLog, readStepLog } from './index.ts';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-log-'));
  path = join(dir, 'run', 'build.log');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const never = new AbortController().signal;

async function followed(log: LogReader, after = 0, signal = never): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const batch of log.follow(after, signal)) entries.push(...batch);
  return entries;
}

async function written(text: string | Uint8Array): Promise<LogReader> {
  const log = await openStepLog({ path });
  log.sink().write(text);
  expect(await log.end()).toEqual({});
  const read = await readStepLog(path);
  if (read === undefined) throw new Error('the log is not there');
  return read;
}

const texts = (entries: readonly LogEntry[]) => entries.map(({ text }) => text);

test('lines are numbered from 1, and the file is for its owner alone', async () => {
  const log = await written('one\ntwo\nthree');
  expect(await log.page({ from: 1, limit: 10 })).toEqual({
    entries: [
      { seq: 1, text: 'one' },
      { seq: 2, text: 'two' },
      { seq: 3, text: 'three' },
    ],
    lines: 3,
  });
  expect(texts((await log.tail(2)).entries)).toEqual(['two', 'three']);
  expect((await log.page({ before: 3, limit: 1 })).entries).toEqual([{ seq: 2, text: 'two' }]);
  expect((await log.page({ from: 4, limit: 1 })).entries).toEqual([]);
  expect((await log.page({ before: 1, limit: 5 })).entries).toEqual([]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(dir, 'run'))).mode & 0o777).toBe(0o700);
});

test('no log is none; an empty one has no lines and no errors', async () => {
  expect(await readStepLog(path)).toBeUndefined();
  const log = await written('');
  expect(await log.tail(5)).toEqual({ entries: [], lines: 0 });
  expect(await followed(log)).toEqual([]);
  expect(await log.firstError()).toBe('nowhere');
  expect(await log.search({ text: 'a', from: 1, direction: 'backward' })).toBe('nowhere');
});

test('any page of a long log is what it should be, with its index kept, lost or wrong', async () => {
  const count = 30_000;
  const all = Array.from({ length: count }, (_, at) => `line ${at + 1} ${'.'.repeat(at % 90)}`);
  const log = await written(`${all.join('\n')}\n`);
  const check = async (reader: LogReader | undefined) => {
    for (const from of [1, 999, 1000, 1001, 1002, 14_321, count - 3, count]) {
      const page = await reader?.page({ from, limit: 7 });
      expect(page).toEqual({
        entries: all.slice(from - 1, from + 6).map((text, at) => ({ seq: from + at, text })),
        lines: count,
      });
      const before = await reader?.page({ before: from, limit: 5 });
      expect(texts(before?.entries ?? [])).toEqual(all.slice(Math.max(0, from - 6), from - 1));
    }
  };
  await check(log);
  const kept = await readFile(`${path}.index`);
  expect(kept.length / 16).toBeGreaterThan(25);
  await truncate(`${path}.index`, 16 * 10 + 3);
  await check(await readStepLog(path));
  await writeFile(`${path}.index`, Buffer.from(kept).fill(7, 0, 40));
  await check(await readStepLog(path));
  await rm(`${path}.index`);
  await check(await readStepLog(path));
});

test('a line of 1 MB is in the file whole; it is served cut, and its parts on demand', async () => {
  const long = 'é'.repeat(524_288);
  const log = await written(`before\n${long}\nafter\n`);
  const { entries } = await log.tail(3);
  expect(texts(entries)[0]).toBe('before');
  expect(entries[1]?.bytes).toBe(1_048_576);
  expect(entries[1]?.text).toBe('é'.repeat(MAX_TEXT_BYTES / 2));
  expect(entries[2]).toEqual({ seq: 3, text: 'after' });
  expect(await followed(log)).toEqual(entries);
  let text = '';
  for (let next: number | undefined = 0; next !== undefined; ) {
    const part = await log.part(2, next);
    text += part?.text ?? '';
    next = part?.next;
  }
  expect(text).toBe(long);
  expect(await log.part(4, 0)).toBeUndefined();
});

test('a part of a long line begins and ends where it was asked to, or a little before, and cuts no colour', async () => {
  const long = '\u001b[1;31mé\u001b[0m'.repeat(20_000);
  const log = await written(`${long}\n`);
  const bytes = Buffer.from(long);
  for (const [at, until] of [
    [0, 40_000],
    [40_001, 40_100],
    [65_537, 99_999],
    [bytes.length - 5, undefined],
  ] as const) {
    const part = await log.part(1, at, until);
    if (part === undefined) throw new Error('the line is not there');
    const end = part.next ?? bytes.length;
    expect(part.text).toBe(bytes.toString('utf8', part.from, end));
    expect(part.text.replaceAll('\u001b[1;31m', '').replaceAll('\u001b[0m', '')).toMatch(/^é*$/);
    expect(at - part.from).toBeLessThan(10);
    expect((until ?? bytes.length) - end).toBeLessThan(10);
  }
  // From its end to its beginning, as one scrolls up.
  let text = '';
  for (let until = bytes.length; until > 0; ) {
    const part = await log.part(1, Math.max(0, until - 10_000), until);
    text = (part?.text ?? '') + text;
    until = part?.from ?? 0;
  }
  expect(text).toBe(long);
});

test('where in a long line a text stands is told as the byte behind it', async () => {
  const before = `${'\u001b[32mü\u001b[0m'.repeat(30_000)}`;
  const log = await written(`one\n${before}NEE\u001b[1mDle${before}needle\n`);
  const found = await log.search({ text: 'needle', from: 1, direction: 'forward' });
  expect(found).toEqual({ found: 2, at: Buffer.byteLength(before) + 'NEE\u001b[1mDle'.length });
  const { at = 0 } = typeof found === 'object' && 'found' in found ? found : {};
  expect((await log.part(2, at - 100, at))?.text).toMatch(/NEE.*Dle$/);
});

test('a page of long lines is bounded, and the tail ends with the last', async () => {
  const line = 'x'.repeat(1_000_000);
  const log = await written(`${Array.from({ length: 40 }, () => line).join('\n')}\nlast\n`);
  const tail = await log.tail(1_000);
  expect(tail.entries.at(-1)).toEqual({ seq: 41, text: 'last' });
  expect(tail.entries.length).toBeLessThan(12);
  expect(tail.entries.length).toBeGreaterThan(3);
  expect((await log.page({ from: 1, limit: 1_000 })).entries[0]?.seq).toBe(1);
});

test('bytes that are no UTF-8 are readable', async () => {
  const log = await written(Buffer.from([0x66, 0xfc, 0x72, 0x0a, 0xff, 0x21, 0x0a]));
  expect(texts((await log.tail(2)).entries)).toEqual(['f\ufffdr', '\ufffd!']);
});

test('every follower gets every line once, whenever it comes and however it is cut off', async () => {
  const log = await openStepLog({ path });
  const whole = followed(log);
  const count = 20_000;
  const resumed = (async () => {
    const seen: LogEntry[] = [];
    while (seen.length < count) {
      const cut = new AbortController();
      let batches = 0;
      for await (const batch of log.follow(seen.at(-1)?.seq ?? 0, cut.signal)) {
        seen.push(...batch);
        if (++batches === 3) cut.abort();
      }
    }
    return seen;
  })();
  const sink = log.sink();
  for (let at = 1; at <= count; at += 50) {
    let chunk = '';
    for (let line = at; line < at + 50; line++) chunk += `line ${line}\n`;
    if (!sink.write(chunk)) await log.drained();
    if (at % 1_000 === 1) await new Promise((resolve) => setImmediate(resolve));
  }
  const late = followed(log, 19_990);
  expect(await log.end()).toEqual({});
  const expected = Array.from({ length: count }, (_, at) => ({ seq: at + 1, text: `line ${at + 1}` }));
  expect(await whole).toEqual(expected);
  expect(await resumed).toEqual(expected);
  expect(await late).toEqual(expected.slice(19_990));
});

test('who wants the latest lines has the last ones, whatever was left out before them, and then every new one', async () => {
  const log = await openStepLog({ path });
  const sink = log.sink();
  const write = async (from: number, to: number) => {
    for (let line = from; line <= to; line++) {
      if (!sink.write(`line ${line}\n`)) await log.drained();
    }
    while (log.lines() < to) await new Promise((resolve) => setImmediate(resolve));
  };
  const stream = log.follow(0, never, 100);
  const next = async () => ((await stream.next()).value ?? []).map(({ seq }: LogEntry) => seq);
  const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
  await write(1, 60);
  expect(await next()).toEqual(numbers(1, 60));
  await write(61, 20_000);
  expect(await next()).toEqual(numbers(19_901, 20_000));
  await write(20_001, 20_100);
  expect(await next()).toEqual(numbers(20_001, 20_100));
  await write(20_101, 40_000);
  await log.end();
  expect(await next()).toEqual(numbers(39_901, 40_000));
  expect(await next()).toEqual([]);
});

test('a follower that waits ends with its signal', async () => {
  const log = await openStepLog({ path });
  log.line('one');
  const cut = new AbortController();
  const stream = log.follow(0, cut.signal);
  expect((await stream.next()).value).toEqual([{ seq: 1, text: 'one' }]);
  const next = stream.next();
  cut.abort();
  expect((await next).done).toBe(true);
  await log.end();
});

test('two programs write at once, and each line is whole', async () => {
  const log = await openStepLog({ path });
  const [out, errors] = [log.sink(), log.sink()];
  out.write('one ');
  errors.write('oops ');
  out.write('line\n');
  log.line('the agent');
  errors.write('again\n');
  await log.end();
  expect(await readFile(path, 'utf8')).toBe('one line\nthe agent\noops again\n');
});

test('no secret is in the file: not one that is cut in two, and not one that is put together from pieces', async () => {
  const log = await openStepLog({ path, mask: createMasker(['correct-horse']) });
  const sink = log.sink();
  for (const piece of [
    'a corr',
    'ect-hor',
    'se b\n',
    'correct',
    '\u001b[K-horse\n',
    'x\rcorrect\b\bct-horse\n',
  ])
    sink.write(piece);
  log.line('said correct-horse');
  await log.end();
  expect(texts((await log.tail(9)).entries)).toEqual(['a *** b', '***', '***', 'said ***']);
  expect(await readFile(path, 'utf8')).not.toContain('correct-horse');
});

test('a question without a newline, or a bar, is there after a while', async () => {
  const log = await openStepLog({ path, tellAfterMs: 1 });
  const stream = log.follow(0, never);
  const sink = log.sink();
  sink.write('1%\r2%');
  expect((await stream.next()).value).toEqual([{ seq: 1, text: '2%' }]);
  sink.write('\r3%\n');
  expect((await stream.next()).value).toEqual([{ seq: 2, text: '3%' }]);
  await log.end();
  expect((await stream.next()).done).toBe(true);
});

test('a torn last line is kept to its last byte, and the log goes on after it', async () => {
  await (await openStepLog({ path })).end();
  await appendFile(path, 'one\ntwo, to');
  expect(texts((await (await readStepLog(path))?.tail(5))?.entries ?? [])).toEqual(['one', 'two, to']);
  const log = await openStepLog({ path });
  log.line('the agent was ended here');
  await log.end();
  expect(await readFile(path, 'utf8')).toBe('one\ntwo, to\nthe agent was ended here\n');
  expect(texts((await log.tail(5)).entries)).toEqual(['one', 'two, to', 'the agent was ended here']);
});

test('search finds a line in both directions, in any case, through colours', async () => {
  const lines = Array.from({ length: 5_000 }, (_, at) => `line ${at + 1}`);
  lines[1_233] = 'a \u001b[31mNee\u001b[0mdle';
  lines[3_999] = 'another NEEDLE';
  const log = await written(`${lines.join('\n')}\n`);
  const search = (from: number, direction: 'forward' | 'backward', text = 'needle') =>
    log.search({ text, from, direction });
  expect(await search(1, 'forward')).toEqual({ found: 1_234 });
  expect(await search(1_234, 'forward')).toEqual({ found: 1_234 });
  expect(await search(1_235, 'forward')).toEqual({ found: 4_000 });
  expect(await search(4_001, 'forward')).toBe('nowhere');
  expect(await search(9_999, 'backward')).toEqual({ found: 4_000 });
  expect(await search(3_999, 'backward')).toEqual({ found: 1_234 });
  expect(await search(1_233, 'backward')).toBe('nowhere');
  expect(await search(1, 'forward', '[31m')).toBe('nowhere');
});

test('the first error is found from any line on', async () => {
  const log = await written('compiling errors.c\n0 errors\nsrc/a.c:3:5: error: expected ;\nx\nfatal: no\n');
  expect(await log.firstError()).toEqual({ found: 3 });
  expect(await log.firstError(4)).toEqual({ found: 5 });
});

test('whatever is written in whatever chunks, the pages and the stream are the file', async () => {
  const line = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc.integer({ min: 0, max: 200_000 }).map((length) => 'y'.repeat(length)),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 30 }),
      fc.array(fc.nat(2_000), { maxLength: 8 }),
      fc.nat(30),
      async (lines, cuts, after) => {
        await rm(dir, { recursive: true, force: true });
        const log = await openStepLog({ path });
        const live = followed(log);
        const sink = log.sink();
        let rest = Buffer.from(lines.map((each) => `${each}\n`).join(''));
        for (const cut of cuts) {
          sink.write(rest.subarray(0, cut));
          rest = rest.subarray(cut);
          await new Promise((resolve) => setImmediate(resolve));
        }
        sink.write(rest);
        await log.end();
        const file = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
        expect(file).toHaveLength(lines.join('\n').split('\n').length - (lines.length === 0 ? 1 : 0));
        const expected = file.map((text, at) =>
          text.length <= MAX_TEXT_BYTES / 4
            ? { seq: at + 1, text }
            : expect.objectContaining({ seq: at + 1 }),
        );
        expect(await live).toEqual(expected);
        expect(await followed(log, after)).toEqual(expected.slice(after));
        const read = await readStepLog(path);
        expect(await followed(read ?? log)).toEqual(expected);
      },
    ),
    { numRuns: 30 },
  );
});
