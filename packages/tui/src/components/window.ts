/** What of a long list is shown: `height` rows from `top` on. */

/** The new top: as little moved as possible, with the cursor inside and no blank rows below while there are rows above. */
export function scrollTo(top: number, cursor: number, count: number, height: number): number {
  if (height <= 0) return 0;
  const last = Math.max(0, count - height);
  const wanted = cursor < top ? cursor : cursor >= top + height ? cursor - height + 1 : top;
  return Math.min(Math.max(0, wanted), last);
}

/** The cursor after a movement, always on a row; 0 where there is none. */
export function clampCursor(cursor: number, count: number): number {
  return Math.min(Math.max(0, cursor), Math.max(0, count - 1));
}
