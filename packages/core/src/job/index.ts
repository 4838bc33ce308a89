export * from './cancel-words.ts';
export * from './change.ts';
export * from './event.ts';
export * from './job.ts';
export * from './reduce-job.ts';
export * from './step-words.ts';
export * from './update-order.ts';
