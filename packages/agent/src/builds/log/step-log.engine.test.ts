import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStepLog, readStepLog } from './index.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-log-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('a log on a disk that is full says where output is missing, and goes on when there is room', async () => {
  const small = join(dir, 'small');
  await mkdir(small);
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]);
  try {
    const path = join(small, 'build.log');
    const log = await openStepLog({ path });
    const sink = log.sink();
    const line = `${'x'.repeat(99)}\n`;
    // So much is waited for: when there is room for more again, all of it was tried.
    expect(sink.write(line.repeat(50_000))).toBe(false);
    await log.drained();
    await execa('mount', ['-o', 'remount,size=4m', small]);
    sink.write('there is room again\n');
    const { lost } = await log.end();
    expect(lost).toMatch(/^\d+ bytes of the output could not be written to .*no space left/i);
    const { entries } = await log.tail(3);
    expect(entries.at(-1)?.text).toBe('there is room again');
    expect(entries.at(-2)?.text).toMatch(/^\[\d+ bytes of the output are missing here: .*\]$/);
    expect((await readFile(path, 'utf8')).split('\n').length - 1).toBe(log.lines());
  } finally {
    await execa('umount', ['--lazy', small]);
  }
});

test('a writer that is killed leaves every line that it wrote, to the last byte', async () => {
  const path = join(dir, 'build.log');
  const door = fileURLToPath(new URL('./index.ts', import.meta.url));
  const script = `
    import { openStepLog } from ${JSON.stringify(door)};
    const log = await openStepLog({ path: ${JSON.stringify(path)} });
    const sink = log.sink();
    for (let line = 1; ; line++) {
      if (!sink.write('line ' + line + '\\n')) await log.drained();
      if (line % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (line % 1000 === 0 && log.lines() > 150_000) process.stdout.write('enough\\n');
    }
  `;
  const writer = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(writer, 'exit');
  await Promise.race([once(writer.stdout, 'data'), exited]);
  writer.kill('SIGKILL');
  expect(await exited).toEqual([null, 'SIGKILL']);
  const before = await readFile(path, 'utf8');
  const log = await openStepLog({ path });
  log.line('the agent was ended');
  await log.end();
  const torn = before.endsWith('\n') ? '' : '\n';
  expect(await readFile(path, 'utf8')).toBe(`${before}${torn}the agent was ended\n`);
  const read = await readStepLog(path);
  let seq = 0;
  for await (const batch of read?.follow(0, new AbortController().signal) ?? []) {
    for (const entry of batch) {
      expect(entry.seq).toBe(++seq);
      if (seq < (read?.lines() ?? 0) - 1) expect(entry.text).toBe(`line ${seq}`);
    }
  }
  expect(seq).toBe(read?.lines());
});
