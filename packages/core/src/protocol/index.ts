export type * from '../answers/index.ts';
export * from './build-requests.ts';
export * from './container-state.ts';
export * from './door.ts';
export * from './job-json.ts';
export * from './log-place.ts';
export * from './mismatch.ts';
export * from './prune-requests.ts';
export * from './requests.ts';
