import * as z from 'zod';

/** The schema of a journal's events, as far as it tells their types. */
interface EventSchema {
  options: readonly { shape: { type: z.ZodLiteral<string> } }[];
}

/**
 * The schema of a journal's lines, for which an event of a newer agent, which this one took the place of, is undefined: it is
 * read over, as a client does. Without what comes after it, what has ended would be taken for something that was interrupted.
 */
export function orNewerEvent<Line>(lines: z.ZodType<Line>, events: EventSchema): z.ZodType<Line | undefined> {
  const known = new Set(events.options.map(({ shape }) => shape.type.value));
  const newer = z
    .looseObject({ seq: z.int().positive(), type: z.string().refine((type) => !known.has(type)) })
    .transform(() => undefined);
  return z.union([lines, newer]);
}
