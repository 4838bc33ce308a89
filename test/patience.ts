/**
 * How long a test waits for what has to come, where it does not say: vitest's own second is over on a busy machine
 * before a container is started. Less than a test may take, so that what did not come is said.
 */
export const PATIENCE_MS = 25_000;
