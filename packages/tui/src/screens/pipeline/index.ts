export { type Detail, detailsOf } from './details.ts';
export { pressInPipeline, tagChosen } from './keys.ts';
export { INITIAL_PIPELINE, type PipelineState, reducePipeline } from './state.ts';
export { describeChange } from './status.ts';
export { tableHeight } from './table-height.ts';
export { batchOf } from './target.ts';
export { viewPipeline } from './view.ts';
