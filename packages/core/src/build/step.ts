import { namesRegistry } from '../image/index.ts';
import type { BuildDefinition } from './definition.ts';

/** The steps of a build run, in their order. */
export const BUILD_STEP_KINDS = ['download', 'build', 'create-image', 'push'] as const;
export type BuildStepKind = (typeof BUILD_STEP_KINDS)[number];

/** A step that has not begun waits, also when its run is over: it never ran, and has no log. */
export const BUILD_STEP_STATES = ['WAIT', 'RUNNING', 'DONE', 'ERROR', 'CANCELLED'] as const;
export type BuildStepState = (typeof BUILD_STEP_STATES)[number];

export const BUILD_RUN_STATES = ['QUEUED', 'RUNNING', 'DONE', 'ERROR', 'CANCELLED'] as const;
export type BuildRunState = (typeof BUILD_RUN_STATES)[number];

const NAMES: Readonly<Record<BuildStepKind, string>> = {
  download: 'DOWNLOAD',
  build: 'BUILD',
  'create-image': 'CREATE IMAGE',
  push: 'PUSH',
};

/** A step as people read it: `CREATE IMAGE`. */
export function buildStepName(kind: BuildStepKind): string {
  return NAMES[kind];
}

/**
 * The steps that a run of a definition has: BUILD where there is a command, PUSH where the image names a registry.
 * With `only`, that one alone; none where the definition does not have it.
 */
export function stepsOf(
  { command, image }: Pick<BuildDefinition, 'command' | 'image'>,
  only?: BuildStepKind,
): BuildStepKind[] {
  const has: Readonly<Record<BuildStepKind, boolean>> = {
    download: true,
    build: command !== undefined,
    'create-image': true,
    push: namesRegistry(image.name),
  };
  return BUILD_STEP_KINDS.filter((kind) => has[kind] && (only === undefined || kind === only));
}
