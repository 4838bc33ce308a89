import type { LogLine } from '@towline/core/protocol';

/** Where one of the two streams of a log is: the time of its last line, and how many lines came that have it. */
interface Reached {
  at: string;
  lines: number;
}

/**
 * Where one is in a container's own log. Its lines have no numbers: it is told by their times, each stream's in order of its own.
 * What came of a second is asked for again from its beginning, and is passed over.
 */
export class LogPlace {
  readonly #reached = new Map<LogLine['stream'], Reached>();
  /** What is to come once more of each stream. */
  #again = new Map<LogLine['stream'], Reached>();
  #moved = false;

  /** Whether something new came since it was begun. */
  get moved(): boolean {
    return this.#moved;
  }

  /** It is read anew from the second that is returned, of those since 1970; from where one likes where that is undefined. */
  begin(): number | undefined {
    this.#moved = false;
    this.#again = new Map([...this.#reached].map(([stream, last]) => [stream, { ...last }]));
    const last = [...this.#reached.values()]
      .map(({ at }) => at)
      .toSorted()
      .at(-1);
    return last === undefined ? undefined : Number(last.split('.')[0]);
  }

  /** Whether this line is new. One without a time always is. */
  take({ stream, at: stamp }: LogLine): boolean {
    const at = comparable(stamp);
    const again = this.#again.get(stream);
    if (at !== undefined && again !== undefined) {
      if (at < again.at) return false;
      if (at === again.at && again.lines > 0) {
        again.lines -= 1;
        return false;
      }
    }
    this.#moved = true;
    if (at === undefined) return true;
    const last = this.#reached.get(stream);
    this.#reached.set(stream, { at, lines: last?.at === at ? last.lines + 1 : 1 });
    return true;
  }
}

/** The time of a line so that later ones come after it as text, to the nanosecond; undefined where it has none. */
function comparable(at: string): string | undefined {
  const [, date, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(at) ?? [];
  const ms = Date.parse(`${date}${zone}`);
  if (Number.isNaN(ms)) return undefined;
  return `${String(ms / 1000).padStart(12, '0')}.${fraction.padEnd(9, '0')}`;
}
