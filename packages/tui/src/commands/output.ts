import type { WriteStream } from 'node:tty';
import { colouredLine } from '../components/coloured.ts';
import { takeColumns } from '../components/fit-text.ts';
import { sanitizeLine, sanitizeText } from '../components/sanitize.ts';

type Stream = (NodeJS.WritableStream & { isTTY?: boolean }) | WriteStream;

/** Where a command writes: results on stdout, everything else on stderr. */
export interface Output {
  /** Whether a person reads the results as they come, and not a file or another program. */
  resultTty: boolean;
  noteTty: boolean;
  /**
   * Lines of the result; fulfilled when the reader has taken them or will not take them any more. On a terminal without what
   * could drive it: any may have in it what an agent or a container said.
   */
  result(...lines: readonly string[]): Promise<void>;
  /** The same, with the colours that they have. */
  coloured(...lines: readonly string[]): Promise<void>;
  /** A line for the person at the terminal, or a few. */
  note(line: string): void;
  /** Draws this line again in place of the last one that was drawn so; `undefined` clears it. Terminals only. */
  status(line: string | undefined): void;
  /** Aborted when whoever read the results has gone (`| head`): there is no use in finding more. */
  readerGone: AbortSignal;
  /** Fulfilled once all that was written is where it belongs: with why not, where a part of the result was lost. */
  lost(): Promise<string | undefined>;
}

export function createOutput(stdout: Stream, stderr: Stream): Output {
  const gone = new AbortController();
  let lost: string | undefined;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Nothing more can be said there. What else the command does goes on, and counts. A reader that has had enough is no
    // fault; a full disk is: a script would take half a result for the whole.
    if (error.code !== 'EPIPE') lost ??= error.message;
    gone.abort(error);
  });
  // Without a listener a closed stderr would end the program in the middle of something.
  stderr.on('error', () => {});
  let drawn = false;
  const clear = () => {
    if (drawn) stderr.write('\r\u001b[2K');
    drawn = false;
  };
  const write = async (line: string) => {
    if (gone.signal.aborted) return;
    clear();
    if (stdout.write(`${line}\n`)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        stdout.removeListener('drain', done);
        gone.signal.removeEventListener('abort', done);
        resolve();
      };
      stdout.once('drain', done);
      gone.signal.addEventListener('abort', done, { once: true });
    });
  };
  return {
    resultTty: stdout.isTTY === true,
    noteTty: stderr.isTTY === true,
    result: (...lines) =>
      write((stdout.isTTY === true ? lines.map((line) => sanitizeText(line)) : lines).join('\n')),
    coloured: (...lines) =>
      write((stdout.isTTY === true ? lines.map((line) => colouredLine(line)) : lines).join('\n')),
    note(line) {
      clear();
      stderr.write(`${stderr.isTTY === true ? sanitizeText(line) : line}\n`);
    },
    status(line) {
      if (stderr.isTTY !== true) return;
      clear();
      if (line === undefined) return;
      // A terminal that does not know its size says 0.
      const columns = ('columns' in stderr && stderr.columns) || 80;
      stderr.write(takeColumns(sanitizeLine(line), columns - 1));
      drawn = true;
    },
    readerGone: gone.signal,
    async lost() {
      if (!gone.signal.aborted) await new Promise<void>((resolve) => void stdout.write('', () => resolve()));
      return lost;
    },
  };
}
