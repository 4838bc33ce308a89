import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, JobEvent, JobEventBody } from '@towline/core/job';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Journal, openJournal } from '../store/index.ts';
import { ActiveJob } from './active-job.ts';
import type { JobLine } from './job-line.ts';

let dir: string;
let journal: Journal<JobLine>;
let told: Job[];
let failures: unknown[];
let job: ActiveJob;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-active-'));
  journal = await openJournal<JobLine>(join(dir, 'j.ndjson'));
  told = [];
  failures = [];
  job = newJob([]);
});
afterEach(async () => {
  await job.close();
  await rm(dir, { recursive: true, force: true });
});

function newJob(past: JobEvent[], onlyForward = false): ActiveJob {
  return new ActiveJob({
    journal,
    past,
    onlyForward,
    now: () => new Date('2026-01-02T03:04:05.678Z'),
    onChange: (changed) => told.push(changed),
    onWriteError: (error) => failures.push(error),
  });
}

const queued: Extract<JobEventBody, { type: 'queued' }> = {
  type: 'queued',
  id: 'j',
  key: 'a-key-of-its-own',
  service: 's',
  map: 'm',
  server: 'web',
  operator: 'me',
  tasks: [],
};

async function collect(events: AsyncIterable<JobEvent>): Promise<number[]> {
  const seen: number[] = [];
  for await (const { seq } of events) seen.push(seq);
  return seen;
}
const never = new AbortController().signal;

test('events are numbered in the order of the calls, and followers at any point get each once', async () => {
  const early = collect(job.follow(0, never));
  job.emit(queued);
  job.emit({ type: 'started' });
  const middle = collect(job.follow(1, never));
  await job.record({ record: 'stopping', container: 'gateway' });
  await job.emitDurably({ type: 'ended', state: 'DONE' });
  expect(await early).toEqual([1, 2, 3]);
  expect(await middle).toEqual([2, 3]);
  expect(await collect(job.follow(0, never))).toEqual([1, 2, 3]);
  expect(await collect(job.follow(3, never))).toEqual([]);
  expect(told.map(({ state }) => state)).toEqual(['QUEUED', 'RUNNING', 'DONE']);
});

test('what is told is in the journal already', async () => {
  const seen: number[] = [];
  const following = (async () => {
    for await (const event of job.follow(0, never)) {
      const lines = (await readFile(join(dir, 'j.ndjson'), 'utf8')).trim().split('\n');
      expect(lines.length).toBeGreaterThanOrEqual(event.seq);
      seen.push(event.seq);
    }
  })();
  job.emit(queued);
  for (let n = 0; n < 20; n++) job.emit({ type: 'started' });
  job.emit({ type: 'ended', state: 'DONE' });
  await following;
  expect(seen).toHaveLength(22);
});

test('one that is taken up again goes on after all numbers that may have been told', async () => {
  const past: JobEvent[] = [
    { ...queued, tasks: [], seq: 1, at: 'then' },
    // What is missing was told, and lost by a disk that was full.
    { type: 'started', seq: 5, at: 'then' },
  ];
  job = newJob(past);
  expect(job.job?.state).toBe('RUNNING');
  await job.emitDurably({ type: 'ended', state: 'RESTORED' });
  expect(job.job?.state).toBe('RESTORED');
  const end = job.job?.lastSeq ?? 0;
  expect(await collect(job.follow(0, never))).toEqual([1, 5, end]);
  expect(await collect(job.follow(2, never))).toEqual([5, end]);
  // One that was told more than the disk had, after the last one that it has.
  expect(await collect(job.follow(40, never))).toEqual([end]);
  expect(await collect(job.follow(end, never))).toEqual([]);
});

test('a follower ends with its signal, and with the agent', async () => {
  job.emit(queued);
  const gone = new AbortController();
  const one = collect(job.follow(0, gone.signal));
  const other = collect(job.follow(0, never));
  await expect.poll(() => told.length).toBe(1);
  gone.abort();
  expect(await one).toEqual([1]);
  await job.close();
  expect(await other).toEqual([1]);
});

test('a line that can’t be written is told of, and the job goes on', async () => {
  await journal.close();
  job.emit(queued);
  job.emit({ type: 'ended', state: 'DONE' });
  expect(await collect(job.follow(0, never))).toEqual([1, 2]);
  expect(failures).toHaveLength(2);
  await expect(job.record({ record: 'committed', kept: [] })).rejects.toThrow('closed');
});

test('what was cancelled is cancelled still when it is taken up again, and past its commit never was', async () => {
  const at = '2026-01-01T00:00:00.000Z';
  const past: JobEvent[] = [
    { ...queued, seq: 1, at },
    { type: 'cancel-requested', operator: 'ben', seq: 2, at },
  ];
  expect(newJob(past).cancelled.aborted).toBe(true);
  const committed = newJob(past, true);
  expect(committed.cancelled.aborted).toBe(false);
  expect(await committed.cancel('ben')).toBe('too-late');
});

test('a cancel is taken until the commit', async () => {
  job.emit(queued);
  expect(await job.cancel('ben')).toBe('taken');
  expect(await job.cancel('carl')).toBe('taken');
  expect(job.cancelled.aborted).toBe(true);
  await job.record({ record: 'committed', kept: [] });
  expect(await job.cancel('ben')).toBe('too-late');
  // The first who asked is who did it.
  expect(job.job).toMatchObject({ cancelledBy: 'ben', lastSeq: 2 });
});

test('whoever cancels second is not told so before it is on the disk either', async () => {
  job.emit(queued);
  const answered: string[] = [];
  const ask = async (operator: string) => {
    await job.cancel(operator);
    answered.push(operator);
  };
  await Promise.all([ask('ben'), ask('carl')]);
  expect(answered).toEqual(['ben', 'carl']);
});

test('a job whose end is being written is not cancelled, and whoever asks is told when it has ended', async () => {
  job.emit(queued);
  void job.emitDurably({ type: 'ended', state: 'RESTORED' });
  expect(await job.cancel('ben')).toBe('too-late');
  expect(job.job?.state).toBe('RESTORED');
  expect(job.cancelled.aborted).toBe(false);
});

test('a cancel that can’t be written down is answered when the job has ended', async () => {
  job.emit(queued);
  await expect.poll(() => told.length).toBe(1);
  await journal.close();
  const [one, other] = [job.cancel('ben'), job.cancel('carl')];
  const answered = Promise.race([one, other]).then(() => job.job?.state);
  await expect.poll(() => job.job?.cancelledBy).toBe('ben');
  expect(job.cancelled.aborted).toBe(true);
  await job.emitDurably({ type: 'ended', state: 'CANCELLED' }).catch(() => undefined);
  expect(await answered).toBe('CANCELLED');
  expect([await one, await other]).toEqual(['taken', 'taken']);
});

test('a cancel that can’t be written down by an agent that ends is not taken', async () => {
  job.emit(queued);
  await journal.close();
  const cancelled = job.cancel('ben');
  await job.close();
  expect(await cancelled).toBe('not-written');
});
