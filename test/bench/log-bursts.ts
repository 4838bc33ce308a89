/**
 * A build's output in bursts, with time between them to be read to the end of each. Without it nothing could be
 * measured: BuildKit holds no step back that writes faster than its log is read, and the one in Docker 20.10, once it has
 * more than 1 MiB of log to tell at once, tells of nothing more and never ends.
 */
export interface Bursts {
  count: number;
  linesEach: number;
  pauseMs: number;
}

/** As a kernel's build writes them. */
const LINE = '  CC      drivers/net/module.o';
/** A burst is far below 1 MiB, with what BuildKit adds. */
const LINES_EACH = 20_000;
const PAUSE_MS = 250;
/** Not as they stand in a Dockerfile, which is told too. */
const STAMPS = /burst (begun|over) at (\d+\.\d{6})(?=\s|$)/g;

export function burstsOf(lines: number): Bursts {
  const count = Math.ceil(lines / LINES_EACH);
  return { count, linesEach: Math.ceil(lines / count), pauseMs: PAUSE_MS };
}

/** For a shell of busybox. Each burst says by the machine's own clock when it begins and when it has written all. */
export function burstScript({ count, linesEach, pauseMs }: Bursts): string {
  const stamp = (what: Heard['what']) =>
    `adjtimex | awk '/tv_sec/{s=$2}/tv_usec/{u=$2}END{printf "burst ${what} at %d.%06d\\n",s,u}'`;
  return [
    `i=0; while [ $i -lt ${count} ]`,
    `do i=$((i+1)); ${stamp('begun')}; yes '${LINE}' | head -n ${linesEach}; ${stamp('over')}; usleep ${pauseMs * 1000}`,
    'done',
  ].join('; ');
}

/** What came of the bursts. Times in milliseconds, each summed over all bursts. */
export interface Received {
  lines: number;
  /** From a burst's beginning until its last line was there. */
  received: number;
  /** From a burst's beginning until the step had written all of it: nobody can have it sooner. */
  written: number;
}

/** A stamp that came, and when. */
export interface Heard {
  what: 'begun' | 'over';
  /** By the step. */
  at: number;
  heardAt: number;
}

/** The stamps in a text; in one line there is one at most. */
export function stampsIn(text: string, heardAt: number): Heard[] {
  return [...text.matchAll(STAMPS)].map(([, what, seconds]) => ({
    what: what === 'begun' ? 'begun' : 'over',
    at: Number(seconds) * 1000,
    heardAt,
  }));
}

/** Throws where something is missing: a reader that drops lines is no faster for it. */
export function receivedOf({ count, linesEach }: Bursts, heard: readonly Heard[], lines: number): Received {
  const begun = heard.filter(({ what }) => what === 'begun');
  const over = heard.filter(({ what }) => what === 'over');
  if (begun.length !== count || over.length !== count || lines < count * linesEach) {
    throw new Error(`${over.length} of ${count} bursts and ${lines} of ${count * linesEach} lines came.`);
  }
  const sum = (of: (end: Heard) => number) =>
    over.reduce((total, end, at) => total + of(end) - (begun[at]?.at ?? 0), 0);
  return { lines: count * linesEach, received: sum(({ heardAt }) => heardAt), written: sum(({ at }) => at) };
}
