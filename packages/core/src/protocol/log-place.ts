import type { LogLine } from '../answers/index.ts';

/** So many lines tell a place in a second that others of the same text may be in. */
const TELLING = 8;

/** Where one of the two streams of a log is: the time of its last line, and how many lines came that have it. */
interface Reached {
  at: string;
  lines: number;
  /** The last of these, where they are the first that came: there may be others of their time before them. */
  last?: string[];
}

/**
 * Where one is in a container's own log. Its lines have no numbers: it is told by their times, each stream's in order of its own.
 * What came of a second is asked for again from its beginning, and is passed over.
 */
export class LogPlace {
  readonly #reached = new Map<LogLine['stream'], Reached>();
  /** What is to come once more of each stream. */
  #again = new Map<LogLine['stream'], Again>();
  #moved = false;

  /** Whether something new came since it was begun. */
  get moved(): boolean {
    return this.#moved;
  }

  /** It is read anew from the second that is returned, of those since 1970; from where one likes where that is undefined. */
  begin(): number | undefined {
    this.#moved = false;
    this.#again = new Map([...this.#reached].map(([stream, reached]) => [stream, new Again(reached)]));
    const last = [...this.#reached.values()]
      .map(({ at }) => at)
      .toSorted()
      .at(-1);
    return last === undefined ? undefined : Number(last.split('.')[0]);
  }

  /** Whether this line is new. One without a time always is. */
  take({ stream, at: stamp, line }: LogLine): boolean {
    const at = comparable(stamp);
    if (at !== undefined && this.#again.get(stream)?.take(at, line)) return false;
    this.#moved = true;
    if (at === undefined) return true;
    const before = this.#reached.get(stream);
    const goesOn = before?.at === at;
    const last = before === undefined ? [] : goesOn ? before.last : undefined;
    this.#reached.set(stream, {
      at,
      lines: goesOn ? before.lines + 1 : 1,
      ...(last !== undefined && { last: [...last, line].slice(-TELLING) }),
    });
    return true;
  }
}

/** One stream that is read again, up to where it was. */
class Again {
  readonly #to: Reached;
  #passed = 0;
  #last: string[] = [];
  #over = false;

  constructor(to: Reached) {
    this.#to = to;
  }

  /** Whether this line came before. */
  take(at: string, line: string): boolean {
    const to = this.#to;
    if (at < to.at) return true;
    if (at > to.at || this.#over) return false;
    this.#passed += 1;
    if (to.last !== undefined) this.#last = [...this.#last, line].slice(-to.last.length);
    this.#over = this.#passed >= to.lines && (to.last?.every((text, n) => text === this.#last[n]) ?? true);
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
