export { describeEngine, type EngineTarget, findEngine } from './engine-target.ts';
