export * from './agent-away.ts';
export * from './arm.ts';
export * from './choice.ts';
export * from './observed-task.ts';
export * from './read-only.ts';
export * from './refusal.ts';
