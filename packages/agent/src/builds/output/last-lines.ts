import { lineAsSeen } from '../log/index.ts';

/** In characters: a reason is for a person to read. */
const MAX_LINE = 400;

/** The last lines of an output, for the reason of a failure. Empty ones do not count. */
export class LastLines {
  readonly #most: number;
  #lines: string[] = [];
  /** Of the line that has not ended, as it is drawn; with its return, where what comes next draws over it. */
  #pending = '';

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes some of the output. Only the end of it is looked at: most of it is not the last. */
  add(text: string): void {
    const whole = this.#pending + text;
    const found: string[] = [];
    let end = whole.lastIndexOf('\n');
    this.#pending = `${lastDrawn(whole.slice(end + 1))}${whole.endsWith('\r') ? '\r' : ''}`;
    while (end !== -1 && found.length < this.#most) {
      const start = whole.lastIndexOf('\n', end - 1);
      const line = end === 0 ? '' : lastDrawn(whole.slice(start + 1, end));
      if (line.trim() !== '') found.push(line);
      end = end === 0 ? -1 : start;
    }
    this.#lines = [...this.#lines, ...found.reverse()].slice(-this.#most);
  }

  get lines(): readonly string[] {
    const pending = this.#pending.trim() === '' ? [] : [lastDrawn(this.#pending)];
    return [...this.#lines, ...pending].slice(-this.#most).map(shortened).filter(isSeen);
  }
}

/** What is drawn over is not what is read at the end. */
function lastDrawn(line: string): string {
  const drawn = line.split('\r');
  const last = drawn.at(-1) ?? '';
  // A return at the end has drawn over nothing yet.
  const shown = last === '' ? (drawn.at(-2) ?? '') : last;
  return shown.slice(0, MAX_LINE + 1);
}

/** Without what drives a terminal: a reason goes to more places than a log. */
function shortened(line: string): string {
  const seen = lineAsSeen(line);
  return line.length > MAX_LINE ? `${seen.slice(0, MAX_LINE)}…` : seen;
}

function isSeen(line: string): boolean {
  return line.trim() !== '';
}
