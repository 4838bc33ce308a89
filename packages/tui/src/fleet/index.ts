export { CallError, type CallFailure, type LogFollowStart } from '../link/index.ts';
export type { BuildCalls, BuildLogQuery, BuildRunsQuery } from './build-calls.ts';
export type { Fleet, FleetState } from './fleet.ts';
export { type FollowEnd, followBuildRun, followJob } from './follow-to-end.ts';
export type { SaveFailure } from './map-on-disk.ts';
export { type MapSource, type OpenFleetOptions, openFleet } from './open-fleet.ts';
export { outlast } from './outlast.ts';
export { type MapFileFailure, readMapFile } from './read-map-file.ts';
export { type BatchEnd, type BatchOptions, runBatch } from './run-batch.ts';
