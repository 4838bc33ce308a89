export * from './agent-view.ts';
export * from './batch-progress.ts';
export * from './execute-plan.ts';
export * from './exit-code.ts';
export * from './observe-build.ts';
export * from './observe-server.ts';
export * from './pipeline.ts';
export * from './rollback.ts';
