/**
 * The name that was probably meant: the nearest of `known` that takes at most two changes (one in a short word), a
 * swap of neighbours being one. Undefined where none is near.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  // Nobody mistypes at such length, and the distance costs the product of both.
  if (word.length > 60) return undefined;
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const distance = distanceOf(word.toLowerCase(), name.toLowerCase());
    const allowed = Math.min(word.length, name.length) <= 3 ? 1 : 2;
    if (distance <= allowed && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

/** A part for the end of a sentence: `, did you mean "image"?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const name = nearest(word, known);
  return name === undefined ? '' : `, did you mean "${name}"?`;
}

/** The optimal string alignment distance. */
function distanceOf(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, at(i - 2, j - 2) + 1);
      }
      row.push(cost);
    }
  }
  return at(a.length, b.length);
}
