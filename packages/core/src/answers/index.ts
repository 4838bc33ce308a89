export * from './answers.ts';
export * from './build-answers.ts';
export * from './prune-answers.ts';
export * from './read-event.ts';
