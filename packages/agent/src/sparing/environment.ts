/** By these glibc keeps less of memory that is free again (mallopt(3)). Of an agent's process alone: what it runs does not inherit them. */
export const SPARING_ENVIRONMENT = { MALLOC_TRIM_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '1' } as const;
