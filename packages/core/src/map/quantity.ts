/**
 * Bytes as the Compose Specification writes them: `512m`, `1gb`, `1024`, `300k`. Units are powers of 1024. Undefined where
 * it is none.
 */
export function parseBytes(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s?([bkmgt]?)b?$/i.exec(text.trim()) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  const bytes = Math.floor(Number(amount) * 1024 ** Math.max(0, 'bkmgt'.indexOf(unit.toLowerCase())));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const NANOSECONDS: Readonly<Record<string, number>> = {
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
};

/** A duration as the Compose Specification writes it, in nanoseconds: `10s`, `1m30s`, `250ms`. Undefined where it is none. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d))+$/.test(text)) return undefined;
  let nanoseconds = 0;
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h|d)/g)) {
    nanoseconds += Number(amount) * (NANOSECONDS[unit] ?? 0);
  }
  const whole = Math.round(nanoseconds);
  return Number.isSafeInteger(whole) ? whole : undefined;
}
