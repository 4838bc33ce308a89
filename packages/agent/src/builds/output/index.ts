export { LastLines } from './last-lines.ts';
export { LineSplitter, MAX_LINE_BYTES, type OutputLine } from './line-splitter.ts';
