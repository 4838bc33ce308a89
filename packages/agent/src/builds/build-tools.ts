/**
 * What only builds need (git, the builders, and the libraries that these are made with), for `import()` with the first one: 15 MB
 * of what an idle agent would have in memory. Nothing that an agent loads at its start may import it otherwise.
 */
export { commitsBetween, endLeftovers } from './download/index.ts';
export { findBuilder } from './image/index.ts';
export { gitSourceOf, performRun } from './perform-run.ts';
