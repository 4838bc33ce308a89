/** A program's synchronized update, DEC mode 2026: https://gist.github.com/christianparpart/d8a62cc1ab659194337d73e399004036 */
const BEGIN = '\u001b[?2026h';
const END = '\u001b[?2026l';

/** Holds what a program writes back until it is no update that is half there, as today's terminals do: nobody sees half a frame. */
export class WholeUpdates {
  #held = '';

  /** What may be shown now, in the order in which it came, and each update for itself. */
  take(written: string): string[] {
    this.#held += written;
    const begun = this.#held.lastIndexOf(BEGIN);
    const whole = begun > this.#held.lastIndexOf(END) ? begun : this.#held.length - halfOfBegin(this.#held);
    const shown = this.#held.slice(0, whole);
    this.#held = this.#held.slice(whole);
    const parts = shown.split(END);
    return parts.map((part, at) => (at < parts.length - 1 ? part + END : part)).filter((part) => part !== '');
  }

  /** What was held when the program ended. */
  rest(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }
}

/** How much of BEGIN a text ends with that may go on with the rest of it. */
function halfOfBegin(text: string): number {
  for (let length = BEGIN.length - 1; length > 0; length -= 1) {
    if (text.endsWith(BEGIN.slice(0, length))) return length;
  }
  return 0;
}
