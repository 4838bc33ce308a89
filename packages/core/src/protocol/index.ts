export * from './builds.ts';
export * from './door.ts';
export * from './job-json.ts';
export * from './log-place.ts';
export * from './mismatch.ts';
export * from './prune.ts';
export * from './read-event.ts';
export * from './schema.ts';
