/** What many measurements of one thing say, in the unit that they were taken in. */
export interface Summary {
  count: number;
  median: number;
  /** Half of them lie between these two. */
  low: number;
  high: number;
  p99: number;
  max: number;
}

export function summarise(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new Error('There is nothing to summarise.');
  const sorted = samples.toSorted((a, b) => a - b);
  return {
    count: sorted.length,
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1) ?? 0,
  };
}

/** Of sorted samples, interpolated between the two that it lies between. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}

/** How one stands to another, measured side by side: the median over the rounds, so that what a machine did to both of one falls out. */
export interface Comparison {
  ratio: number;
  difference: number;
}

/** Both have one sample a round, in the order of the rounds. */
export function compare(ours: readonly number[], theirs: readonly number[]): Comparison {
  if (ours.length !== theirs.length) throw new Error('The rounds do not match.');
  const over = (of: (our: number, their: number) => number) =>
    summarise(ours.map((our, round) => of(our, theirs[round] ?? Number.NaN))).median;
  return { ratio: over((our, their) => our / their), difference: over((our, their) => our - their) };
}
