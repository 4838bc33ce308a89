import * as z from 'zod';

/**
 * Schemas whose errors say what was expected. The `message` of an issue of theirs is that phrase, such as `a list of
 * names`; what was found instead is told by `problemsOf`. The error for unknown keys is the list of the known ones.
 */

/** Keys of a map, and no others. */
export function keys<Shape extends z.ZodRawShape>(shape: Shape, expected: string) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? Object.keys(shape).join(KEY_SEPARATOR) : expected,
  });
}

/** Between the known keys in the error for an unknown one. */
export const KEY_SEPARATOR = ', ';

/** Text that passes a test. */
export function text(expected: string, test: (value: string) => boolean = (value) => value !== '') {
  return z.string({ error: expected }).refine(test, { error: expected });
}

/** Text with a reason of its own for what is wrong with it. */
export function checked(expected: string, whyNot: (value: string) => string | undefined) {
  return z.string({ error: expected }).superRefine((value, context) => {
    const why = whyNot(value);
    if (why !== undefined) context.addIssue({ code: 'custom', message: why });
  });
}

/** Text that is read to something else; `undefined` from `read` means that it can't be. */
export function read<T>(expected: string, read: (value: string) => T | undefined) {
  return z.string({ error: expected }).transform((value, context): T => {
    const found = read(value);
    if (found !== undefined) return found;
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  });
}

export function yesOrNo() {
  return z.boolean({ error: 'true or false' });
}

export function wholeNumber(expected: string, min = 0, max = Number.MAX_SAFE_INTEGER) {
  return z.int({ error: expected }).min(min, { error: expected }).max(max, { error: expected });
}

export function listOf<T extends z.ZodType>(item: T, expected: string) {
  return z.array(item, { error: expected });
}

export function either<const Options extends readonly [z.ZodType, z.ZodType, ...z.ZodType[]]>(
  options: Options,
  expected: string,
) {
  return z.union(options, { error: expected });
}
