/** A log file, as pruning sees it. */
export interface KeptLog {
  path: string;
  bytes: number;
  /** When it was last written to, in ms since 1970. */
  writtenAt: number;
}

export interface LogLimits {
  /** Older ones go, in ms. */
  maxAgeMs: number;
  /** All of them together; the oldest go first. */
  maxBytes: number;
}

/** Which logs go. `inUse` ones stay, and count. */
export function decidePrune(
  logs: readonly KeptLog[],
  limits: LogLimits,
  now: number,
  inUse: ReadonlySet<string> = new Set(),
): KeptLog[] {
  const newestFirst = logs.toSorted((a, b) => b.writtenAt - a.writtenAt || (a.path < b.path ? 1 : -1));
  let bytes = logs.reduce((sum, log) => (inUse.has(log.path) ? sum + log.bytes : sum), 0);
  return newestFirst.filter((log) => {
    if (inUse.has(log.path)) return false;
    if (now - log.writtenAt > limits.maxAgeMs || bytes + log.bytes > limits.maxBytes) return true;
    bytes += log.bytes;
    return false;
  });
}
