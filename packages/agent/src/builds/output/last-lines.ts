/** In characters: a reason is for a person to read. */
const MAX_LINE = 400;

/** The last lines of an output, for the reason of a failure. */
export class LastLines {
  readonly #most: number;
  readonly #lines: string[] = [];
  #pending = '';

  constructor(most: number) {
    this.#most = most;
  }

  add(text: string, end: '\n' | '\r' | ''): void {
    // What is drawn over is not what is read at the end.
    if (end !== '\n') {
      this.#pending = text.slice(0, MAX_LINE);
      return;
    }
    const line = text === '' ? this.#pending : text;
    this.#pending = '';
    if (line.trim() === '') return;
    this.#lines.push(line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line);
    if (this.#lines.length > this.#most) this.#lines.shift();
  }

  get lines(): readonly string[] {
    return this.#pending.trim() === '' ? this.#lines : [...this.#lines, this.#pending].slice(-this.#most);
  }
}
