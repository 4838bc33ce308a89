export {
  type BuildEngine,
  type BuildRequest,
  createBuildEngine,
  type OutputPiece,
  type PushOptions,
  registryHeader,
} from './build-engine.ts';
export { createDockerEngine } from './docker-engine.ts';
export type {
  ContainerInspect,
  CreateRequest,
  DiskUsage,
  EndpointRequest,
  Engine,
  EngineAuth,
  EngineErrorCode,
  EngineEvent,
  EngineInfo,
  ImageInspect,
  LogOptions,
  PullOptions,
  RestartPolicy,
} from './engine.ts';
export { EngineError } from './engine.ts';
export {
  type AddressSources,
  describeAddress,
  type EngineAddress,
  type EngineTls,
  engineAddress,
} from './engine-address.ts';
export { observeContainer } from './observe.ts';
export { paceProgress } from './pace-progress.ts';
export type { PushReceipt } from './push-progress.ts';
export { toProtocolError } from './to-protocol-error.ts';
export {
  createEngineWatch,
  type EngineSubscription,
  type EngineWatch,
  type EngineWatchEvent,
} from './watch.ts';
