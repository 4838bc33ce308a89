/** When a question was asked and when its answer came, both in milliseconds since 1970 by this machine's clock. */
export interface Asked {
  askedAt: number;
  answeredAt: number;
}

/**
 * By how many milliseconds at least the clock that told a time in an answer is ahead of this machine's; negative where it is
 * behind, 0 where both may be right: it was told at some moment between the question and the answer.
 */
export function clockAhead(told: number, { askedAt, answeredAt }: Asked): number {
  if (told > answeredAt) return told - answeredAt;
  return told < askedAt ? told - askedAt : 0;
}
