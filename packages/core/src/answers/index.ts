// What an agent answers is checked where it is read: no agent has these schemas in memory (docs/decisions/0025-what-an-idle-agent-holds.md).
export * from './answers.ts';
export * from './build-answers.ts';
export * from './prune-answers.ts';
export * from './read-event.ts';
