import { spawn } from '@lydell/node-pty';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import headless, { type IBufferCell } from '@xterm/headless';
import { keyCode } from './key-codes.ts';
import { WholeUpdates } from './whole-updates.ts';

export interface TerminalOptions {
  command: string;
  args?: readonly string[];
  cols?: number;
  rows?: number;
  cwd?: string;
  /** On top of a bare environment: PATH, HOME and a terminal of 256 colours. */
  env?: Readonly<NodeJS.ProcessEnv>;
}

export interface WaitOptions {
  /** Milliseconds until it is given up; a bound, not a wait. */
  timeout?: number;
}

export interface Exit {
  code: number;
  signal?: number;
}

export interface Cell {
  text: string;
  /** Columns that it takes: 2 for a wide character, 0 for the second half of one. */
  width: number;
  /** Neither a foreground nor a background colour of its own. */
  plain: boolean;
  foreground: number;
  background: number;
  bold: boolean;
  dim: boolean;
  inverse: boolean;
}

/** The modes of a terminal that a program must give back as it found them. */
export interface Modes {
  alternateScreen: boolean;
  cursorHidden: boolean;
  bracketedPaste: boolean;
}

/** A program in a real pseudo-terminal, and an emulator that shows what a person would see. */
export interface Terminal {
  readonly pid: number;
  /** Resolves when the text is on the screen; rejects, with the screen in its message, if it is not in time or the program ends. */
  waitFor(wanted: string | RegExp, options?: WaitOptions): Promise<void>;
  waitForGone(unwanted: string | RegExp, options?: WaitOptions): Promise<void>;
  /** Resolves when `condition` holds for the screen; `what` names it in the failure. */
  waitUntil(what: string, condition: (screen: string[]) => boolean, options?: WaitOptions): Promise<void>;
  /** One key after the other, each a write of its own. */
  press(...keys: string[]): void;
  /** All of it in one write, as a fast typist or a slow link delivers it. */
  type(text: string): void;
  /** As a terminal pastes: bracketed where the program asked for that. */
  paste(text: string): void;
  resize(cols: number, rows: number): void;
  /** Every row of the screen, without the blanks at its end. */
  screen(): string[];
  cell(column: number, row: number): Cell;
  cells(row: number): Cell[];
  cursor(): { x: number; y: number };
  modes(): Modes;
  kill(signal: NodeJS.Signals): void;
  exited: Promise<Exit>;
  /** Ends the program if it runs, and frees the emulator. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT = 30_000;

export function openTerminal(options: TerminalOptions): Terminal {
  const cols = options.cols ?? 80;
  const rows = options.rows ?? 24;
  const emulator = new headless.Terminal({ cols, rows, allowProposedApi: true, scrollback: 1000 });
  // Widths as today's terminals have them: without it, emoji are one column wide.
  emulator.loadAddon(new UnicodeGraphemesAddon());
  const pty = spawn(options.command, [...(options.args ?? [])], {
    name: 'xterm-256color',
    cols,
    rows,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '/',
      LANG: 'C.UTF-8',
      TERM: 'xterm-256color',
      ...onlySet(options.env),
    },
  });

  let cursorHidden = false;
  const cursorMode = (hidden: boolean) => (params: (number | number[])[]) => {
    if (params.includes(25)) cursorHidden = hidden;
    return false;
  };
  emulator.parser.registerCsiHandler({ prefix: '?', final: 'l' }, cursorMode(true));
  emulator.parser.registerCsiHandler({ prefix: '?', final: 'h' }, cursorMode(false));

  const changed = new Set<() => void>();
  const notify = () => {
    for (const listener of [...changed]) listener();
  };
  const updates = new WholeUpdates();
  // What a program draws while nobody looks comes at once: each update of it is seen by whoever waits before the next one
  // takes its place, or a state that is short is passed over.
  let shown = Promise.resolve();
  const show = (text: string) => {
    const seen = () =>
      new Promise<void>((resolve) => {
        emulator.write(text, () => {
          notify();
          resolve();
        });
      });
    shown = shown.then(seen);
    return shown;
  };
  pty.onData((data) => {
    for (const update of updates.take(data)) void show(update);
  });
  // The emulator answers what a program asks it: where the cursor is, which terminal it is.
  emulator.onData((answer) => {
    if (exit === undefined) pty.write(answer);
  });

  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    pty.onExit(({ exitCode, signal }) => {
      // What the program wrote last is parsed before anybody hears that it is gone.
      void show(updates.rest()).then(() => {
        exit = { code: exitCode, ...(signal === undefined || signal === 0 ? {} : { signal }) };
        resolve(exit);
        notify();
      });
    });
  });

  const screen = (): string[] => {
    const buffer = emulator.buffer.active;
    return Array.from(
      { length: emulator.rows },
      (_, row) =>
        buffer
          .getLine(buffer.baseY + row)
          ?.translateToString(true)
          .trimEnd() ?? '',
    );
  };

  const picture = () =>
    screen()
      .map((line) => `| ${line}`)
      .join('\n');

  const waitUntil: Terminal['waitUntil'] = (what, condition, { timeout = DEFAULT_TIMEOUT } = {}) =>
    new Promise((resolve, reject) => {
      const finish = (failure?: string) => {
        clearTimeout(timer);
        changed.delete(check);
        if (failure === undefined) resolve();
        else reject(new Error(`${failure}: ${what}\n${picture()}`));
      };
      const check = () => {
        if (condition(screen())) finish();
        else if (exit !== undefined) finish(`the program ended (${JSON.stringify(exit)}) before`);
      };
      const timer = setTimeout(() => finish(`not within ${timeout} ms`), timeout);
      changed.add(check);
      check();
    });

  const holds = (wanted: string | RegExp) => (lines: string[]) => {
    const text = lines.join('\n');
    return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
  };

  const cell = (column: number, row: number): Cell => {
    const buffer = emulator.buffer.active;
    const found: IBufferCell | undefined = buffer.getLine(buffer.baseY + row)?.getCell(column);
    if (found === undefined) throw new Error(`no cell at column ${column}, row ${row}`);
    return {
      text: found.getChars(),
      width: found.getWidth(),
      plain: found.isFgDefault() && found.isBgDefault(),
      foreground: found.getFgColor(),
      background: found.getBgColor(),
      bold: found.isBold() !== 0,
      dim: found.isDim() !== 0,
      inverse: found.isInverse() !== 0,
    };
  };

  return {
    pid: pty.pid,
    waitUntil,
    waitFor: (wanted, wait) => waitUntil(`${wanted} on the screen`, holds(wanted), wait),
    waitForGone: (unwanted, wait) =>
      waitUntil(`${unwanted} gone from the screen`, (lines) => !holds(unwanted)(lines), wait),
    press: (...keys) => {
      for (const key of keys) pty.write(keyCode(key));
    },
    type: (text) => pty.write(text),
    paste: (text) => pty.write(emulator.modes.bracketedPasteMode ? `\u001b[200~${text}\u001b[201~` : text),
    resize: (newCols, newRows) => {
      emulator.resize(newCols, newRows);
      pty.resize(newCols, newRows);
    },
    screen,
    cell,
    cells: (row) => Array.from({ length: emulator.cols }, (_, column) => cell(column, row)),
    cursor: () => ({ x: emulator.buffer.active.cursorX, y: emulator.buffer.active.cursorY }),
    modes: () => ({
      alternateScreen: emulator.buffer.active.type === 'alternate',
      cursorHidden,
      bracketedPaste: emulator.modes.bracketedPasteMode,
    }),
    kill: (signal) => pty.kill(signal),
    exited,
    close: async () => {
      if (exit === undefined) {
        pty.kill('SIGKILL');
        await exited;
      }
      emulator.dispose();
    },
  };
}

/** A variable without a value is none. */
function onlySet(env: Readonly<NodeJS.ProcessEnv> = {}): Record<string, string> {
  const set = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(set);
}
