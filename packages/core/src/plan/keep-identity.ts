/**
 * `after`, with every part of it that equals the same part of `before` replaced by that part, so that what did not
 * change can be told by `===`. Plain data only: objects, arrays and primitives. The order of an object's keys does not
 * count.
 */
export function keepIdentity<T>(before: T, after: T): T;
export function keepIdentity(before: unknown, after: unknown): unknown {
  if (Object.is(before, after)) return before;
  if (Array.isArray(before) && Array.isArray(after)) {
    const kept = after.map((item, at) => (at < before.length ? keepIdentity(before[at], item) : item));
    return kept.length === before.length && kept.every((item, at) => Object.is(item, before[at]))
      ? before
      : kept;
  }
  if (isRecord(before) && isRecord(after)) {
    const keys = Object.keys(after);
    const kept: Record<string, unknown> = Object.fromEntries(
      keys.map((key) => [
        key,
        Object.hasOwn(before, key) ? keepIdentity(before[key], after[key]) : after[key],
      ]),
    );
    const same =
      keys.length === Object.keys(before).length &&
      keys.every((key) => Object.hasOwn(before, key) && Object.is(kept[key], before[key]));
    return same ? before : kept;
  }
  return after;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
