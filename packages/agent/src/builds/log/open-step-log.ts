import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers';
import { words } from '../../store/index.ts';
import { indexPath, loadIndex, openForReading } from './log-file.ts';
import { createLogReader, type LogReader } from './log-reader.ts';
import { TerminalLines } from './terminal-lines.ts';

const NEWLINE = 0x0a;
const BATCH_BYTES = 256 * 1024;
/** As much may wait for the disk before a writer is asked to wait. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** How long a line may stay unfinished before it is written as it stands. */
const TELL_AFTER_MS = 5_000;

/** Where the output of one program goes. Its lines are whole, whatever other output is written meanwhile. */
export interface LogSink {
  /** Takes a piece of any length. False: wait for `drained` before more. */
  write(chunk: Uint8Array | string): boolean;
  /** Its last line is ended, where it has no newline. */
  end(): void;
}

/** What hides secrets. See `createMasker`. */
export interface LogMask {
  stream(): { write(chunk: Uint8Array): Uint8Array; end(): Uint8Array };
  bytes(bytes: Uint8Array): Uint8Array;
}

/** A step's log, while it is written. */
export interface StepLog extends LogReader {
  sink(): LogSink;
  /** One line of the agent's own, between those of the programs. */
  line(text: string): void;
  /** Returns once there is room again. */
  drained(): Promise<void>;
  /** Ends all sinks, and returns once everything is on the disk. What follows ends at the last line. Errors: what was lost. */
  end(): Promise<{ lost?: string }>;
}

export interface StepLogOptions {
  path: string;
  mask?: LogMask;
  /** How long a line may stay unfinished before it is written as it stands, in ms. */
  tellAfterMs?: number;
}

/**
 * Opens a step's log for writing, and makes it (0600, its folder 0700) where there is none. One that is there goes on
 * after its last line; where that one is torn, by a kill in the middle of a write, it is kept to its last byte.
 *
 * Written in batches: no line waits for the disk by itself. A disk that is full does not end a build by its log: what
 * could not be written is counted, said in the log where it is missing, and by `end`.
 */
export async function openStepLog(options: StepLogOptions): Promise<StepLog> {
  const { path, mask, tellAfterMs = TELL_AFTER_MS } = options;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'a+', 0o600);
  const entries = await open(indexPath(path), 'a', 0o600);
  const index = await loadIndex(file, path);

  let batch = Buffer.allocUnsafe(BATCH_BYTES);
  let batched = 0;
  let queue: Uint8Array[] = [];
  let waiting = 0;
  let writing: Promise<void> | undefined;
  let lost = 0;
  let lostNow = 0;
  let reason = '';
  let ended = false;
  let ending: Promise<{ lost?: string }> | undefined;
  let change = Promise.withResolvers<void>();
  const sinks = new Set<{ tell(): void; end(): void; readonly untold: boolean }>();
  let teller: NodeJS.Timeout | undefined;

  function append(lines: Uint8Array): void {
    waiting += lines.length;
    for (let at = 0; at < lines.length; ) {
      const taken = Math.min(lines.length - at, batch.length - batched);
      batch.set(lines.subarray(at, at + taken), batched);
      batched += taken;
      at += taken;
      if (batched === batch.length) seal();
    }
    writing ??= writeAll();
  }

  function seal(): void {
    if (batched === 0) return;
    const filled = batch.subarray(0, batched);
    batched = 0;
    // A few lines at a time, as a quiet build has them, take no new buffer each time.
    if (filled.length < BATCH_BYTES / 2) {
      queue.push(Buffer.from(filled));
      return;
    }
    queue.push(filled);
    batch = Buffer.allocUnsafe(BATCH_BYTES);
  }

  async function writeAll(): Promise<void> {
    // What is written in the same turn goes to the disk together.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting > 0) {
      seal();
      const taken = queue;
      queue = [];
      const size = taken.reduce((sum, bytes) => sum + bytes.length, 0);
      const whole = taken.length === 1 && taken[0] !== undefined ? taken[0] : Buffer.concat(taken);
      await writeLines(mask === undefined ? whole : mask.bytes(whole));
      waiting -= size;
      notify();
    }
    writing = undefined;
  }

  async function writeLines(lines: Uint8Array): Promise<void> {
    try {
      if (lostNow > 0) {
        const newline = index.size > index.bytes ? '\n' : '';
        const note = `${newline}[${lostNow} bytes of the output are missing here: ${reason}]\n`;
        await writeToEnd(Buffer.from(note));
        lostNow = 0;
      } else if (index.size > index.bytes) {
        await writeToEnd(Uint8Array.of(NEWLINE));
      }
      await writeToEnd(lines);
    } catch (error) {
      reason = words(error);
      lost += lines.length;
      lostNow += lines.length;
    }
  }

  async function writeToEnd(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
      const added = index.add(bytes.subarray(at, at + bytesWritten));
      at += bytesWritten;
      // It only saves time: without it, the log is read through.
      if (added.length > 0) await entries.write(added).catch(() => undefined);
    }
  }

  function notify(): void {
    change.resolve();
    change = Promise.withResolvers();
  }

  /** One timer at a time, and none where no line is unfinished. */
  function tellLater(): void {
    if (teller !== undefined || ended) return;
    teller = setTimeout(() => {
      teller = undefined;
      for (const sink of sinks) sink.tell();
    }, tellAfterMs);
    teller.unref();
  }

  function sink(): LogSink {
    const lines = new TerminalLines(append);
    const hidden = mask?.stream();
    let open = true;
    const own = {
      get untold() {
        return lines.untold;
      },
      tell: () => lines.tell(),
      end() {
        if (!open) return;
        open = false;
        sinks.delete(own);
        if (hidden !== undefined) lines.write(hidden.end());
        lines.end();
      },
    };
    sinks.add(own);
    return {
      write(chunk) {
        if (!open || ended) return true;
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        lines.write(hidden === undefined ? bytes : hidden.write(bytes));
        if (lines.untold) tellLater();
        return waiting < MAX_WAITING_BYTES;
      },
      end: own.end,
    };
  }

  async function end(): Promise<{ lost?: string }> {
    for (const each of [...sinks]) each.end();
    clearTimeout(teller);
    await writing;
    try {
      await file.datasync();
    } catch (error) {
      reason ||= words(error);
    }
    ended = true;
    index.endOfFile();
    await file.close();
    await entries.close();
    notify();
    if (lost === 0) return {};
    return { lost: `${lost} bytes of the output could not be written to ${path}: ${reason}` };
  }

  // A line that a killed agent left torn is a line of its own.
  if (index.size > index.bytes) await writeToEnd(Uint8Array.of(NEWLINE));

  const source = { path, index, ended: () => ended, changed: () => change.promise };
  return {
    ...createLogReader(source),
    sink,
    line(text) {
      if (ended) return;
      const own = new TerminalLines(append);
      own.write(Buffer.from(`${text}\n`));
      own.end();
    },
    async drained() {
      while (waiting >= MAX_WAITING_BYTES && !ended) await change.promise;
    },
    end: () => {
      ending ??= end();
      return ending;
    },
  };
}

/**
 * Reads the log of a step that is not written any more; undefined where there is none. A torn last line is its last
 * line, to its last byte.
 */
export async function readStepLog(path: string): Promise<LogReader | undefined> {
  const file: FileHandle | undefined = await openForReading(path);
  if (file === undefined) return undefined;
  try {
    const index = await loadIndex(file, path);
    index.endOfFile();
    return createLogReader({ path, index, ended: () => true, changed: () => Promise.resolve() });
  } finally {
    await file.close();
  }
}
