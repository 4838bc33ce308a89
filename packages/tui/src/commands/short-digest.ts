/** A digest as people compare it: the first 12 digits, as the engine's own tools show ids. */
export function shortDigest(digest: string | undefined): string | undefined {
  return digest?.replace(/^sha256:/, '').slice(0, 12);
}
