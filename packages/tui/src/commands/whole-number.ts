import { InvalidArgumentError } from 'commander';

/** An option's number of lines or entries, from 0. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 1_000_000) {
    throw new InvalidArgumentError('It is a whole number from 0 to 1000000.');
  }
  return value;
}
