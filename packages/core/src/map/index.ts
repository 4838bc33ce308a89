export * from './create-from-run.ts';
export { allNeeds, dependencyCycle, inDependencyOrder } from './dependency-order.ts';
export * from './edit-build.ts';
export * from './format-map-file.ts';
export * from './map-file.ts';
export * from './map-from-containers.ts';
export * from './parse-map-file.ts';
export { type RunDefinition, runDefinitionSchema } from './run-definition.ts';
