/** When a job, a run or a step ended, in milliseconds since 1970; of one that goes on that is `now`, by its agent's clock. */
export function endedAt(what: { endedAt?: string | undefined }, now: number): number {
  return what.endedAt === undefined ? now : Date.parse(what.endedAt);
}
