/** Why something expected did not work: a code for programs, and a sentence that tells a person what to do. */
export interface Failure<Code extends string = string> {
  code: Code;
  message: string;
}

/** An expected failure is a value; an exception is a bug. */
export type Result<T, E = Failure> = { ok: true; value: T } | { ok: false; error: E };

export function ok<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

export function err<E>(error: E): { ok: false; error: E } {
  return { ok: false, error };
}
