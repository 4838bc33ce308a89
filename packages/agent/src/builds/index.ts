export type { BuildService } from './build-service.ts';
export { type BuildServiceOptions, createBuildService } from './create-build-service.ts';
