import type { BuildStepKind } from '@towline/core/build';
import type { BuildLogEntry, BuildLogOutput } from '@towline/core/protocol';
import type { BuildLogQuery } from '../../fleet/index.ts';
import {
  appendEntries,
  EMPTY_WINDOW,
  endOf,
  type LogView,
  type LogWindow,
  leastPin,
  pinFor,
  putPage,
} from '../log-view/index.ts';

/** The log of one step: a part of it in memory, the rest on its agent. */
export interface StepLog {
  step: BuildStepKind;
  window: LogWindow;
  /** The number of the last line shown while the view is pinned; undefined while it follows. */
  pinned: number | undefined;
  /** The line that shall stand in the middle, once its page is there; `exact` where that page has to begin with it. */
  wanted: { seq: number; exact: boolean } | undefined;
  /** The page that is asked for now: one at a time. */
  loading: BuildLogQuery['at'] | undefined;
  stream:
    | { state: 'opening' }
    | { state: 'open' }
    | { state: 'ended' }
    | { state: 'failed'; message: string };
  /** Counts the tries: another number is another stream. */
  attempt: number;
}

export function openStepLog(step: BuildStepKind, attempt = 1): StepLog {
  return {
    step,
    window: EMPTY_WINDOW,
    pinned: undefined,
    wanted: undefined,
    loading: undefined,
    stream: { state: 'opening' },
    attempt,
  };
}

/** So many lines beyond what is in sight are there before one gets to them. */
const AHEAD = 200;
/** Lines of a page. */
export const PAGE = 500;

export function entriesCame(log: StepLog, entries: readonly BuildLogEntry[], view: LogView): StepLog {
  const shown = log.pinned === undefined ? undefined : Math.max(1, log.pinned - view.height + 1);
  return { ...log, window: appendEntries(log.window, entries, shown), stream: { state: 'open' } };
}

/** A page that was asked for. */
export function pageCame(log: StepLog, page: BuildLogOutput, view: LogView): StepLog {
  const { wanted, pinned } = log;
  if (page.entries.length === 0) {
    // There is nothing there: to ask again would be to ask forever.
    const total = Math.max(page.lines, endOf(log.window));
    const last = pinned === undefined ? undefined : Math.min(pinned, total);
    return { ...log, window: { ...log.window, total }, loading: undefined, wanted: undefined, pinned: last };
  }
  const window = putPage(log.window, page.entries, page.lines);
  const next = { ...log, window, loading: undefined };
  if (wanted === undefined) return next;
  const { seq, exact } = wanted;
  // Its page may be of a few lines only, where they are long.
  if ((seq < window.first || seq > endOf(window)) && !exact) return { ...next, wanted: { seq, exact: true } };
  return { ...next, wanted: undefined, pinned: pinFor(seq, view, window.total) };
}

/** Moves the view by lines. At the log's end it follows again. */
export function moveBy(log: StepLog, by: number, view: LogView): StepLog {
  if (by === Number.NEGATIVE_INFINITY) return jumpTo(log, 1, view);
  const { window } = log;
  const last = (log.pinned ?? endOf(window)) + by;
  if (last >= window.total) return follow(log);
  return { ...log, wanted: undefined, pinned: Math.max(last, leastPin(view, window.total)) };
}

/** To the end, and on with what comes. Where that is not in memory, the stream is begun again. */
export function follow(log: StepLog): StepLog {
  if (endOf(log.window) >= log.window.total) return { ...log, pinned: undefined, wanted: undefined };
  const { window, step, attempt } = log;
  const fresh = openStepLog(step, attempt + 1);
  return { ...fresh, window: { ...EMPTY_WINDOW, total: window.total } };
}

/** A line into the middle of the view. */
export function jumpTo(log: StepLog, seq: number, view: LogView): StepLog {
  const { window } = log;
  if (seq >= window.first && seq <= endOf(window)) {
    return { ...log, wanted: undefined, pinned: pinFor(seq, view, window.total) };
  }
  return { ...log, wanted: { seq, exact: false } };
}

/** The page that is missing for what is to be seen; undefined while there is none, or one is on its way. */
export function missingPage(log: StepLog, view: LogView): BuildLogQuery['at'] | undefined {
  const { window, wanted, pinned, loading } = log;
  if (loading !== undefined || log.stream.state === 'failed') return undefined;
  if (wanted !== undefined) {
    return { from: wanted.exact ? wanted.seq : Math.max(1, wanted.seq - PAGE / 2) };
  }
  if (pinned === undefined || window.lines.length === 0) return undefined;
  const end = endOf(window);
  if (pinned > end || (pinned + AHEAD > end && end < window.total)) return { from: end + 1 };
  if (pinned - view.height + 1 - AHEAD < window.first && window.first > 1) return { before: window.first };
  return undefined;
}

/** The first and the last line in sight, as far as lines are not wrapped. */
export function inSight(log: StepLog, view: LogView): { top: number; bottom: number } {
  const bottom = log.pinned ?? endOf(log.window);
  return { top: Math.max(1, bottom - view.height + 1), bottom };
}
