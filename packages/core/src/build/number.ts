/** A build tag: `1.4.0.B000027`. The number has six digits at least. */
export function runTag(version: string, number: number): string {
  return `${version}.B${String(number).padStart(6, '0')}`;
}

/** A tag read as a build's: `undefined` where it is none, such as `1.4.0`. */
export function parseRunTag(tag: string): { version: string; number: number } | undefined {
  const [, version, digits] = /^(.+)\.B(\d{6,15})$/s.exec(tag) ?? [];
  if (version === undefined || digits === undefined) return undefined;
  const number = Number(digits);
  // Only what `runTag` writes: with a zero too many it would be a second name of the same run.
  return number > 0 && runTag(version, number) === tag ? { version, number } : undefined;
}

/**
 * The number of a build's next run: one more than the highest that was ever claimed, so that none is left out and none
 * comes twice. A number is claimed by writing `queued` durably, before anything is done by it and before anybody is told;
 * so what a crash cut off before that never had one, and what it cut off after has one for good. The version does not
 * count: `1.5.0.B000028` follows `1.4.0.B000027`.
 *
 * `claims` are all that say so: the journal's `queued` entries, the counter that pruning the history keeps, and, where an
 * agent lost its state, the tags of the registry (`parseRunTag`). Where they have a gap, it stays one: a number that is
 * not seen may have been used.
 */
export function nextNumber(claims: Iterable<{ number: number }>): number {
  let highest = 0;
  for (const { number } of claims) {
    if (!Number.isSafeInteger(number) || number < 0) throw new RangeError(`${number} is no number of a run`);
    highest = Math.max(highest, number);
  }
  return highest + 1;
}
