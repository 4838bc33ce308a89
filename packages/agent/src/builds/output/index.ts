export { LastLines } from './last-lines.ts';
export { LineBlocks, type OutputText } from './line-blocks.ts';
