import type { Failure } from '@towline/core/result';
import type { DockerfileLine, DockerfileText } from './dockerfile.ts';

const DISK_FULL = /no space left on device|disk quota exceeded/i;
/** Sub-steps that get a base image, or what is known of it. */
const GETS_BASE = /^\[internal\] load metadata|^\[[^\]]*\] FROM /i;
const NO_BASE = /pull access denied|manifest( for \S+)? (unknown|not found)|repository does not exist/i;
/** What the two builders say of what they could not read as a Dockerfile, or of what it has not. */
const NO_DOCKERFILE =
  /parse error|unknown instruction|unknown flag|syntax error|failed to create LLB|cannot be empty|no instructions|failed to reach build target|target stage/i;

/**
 * - `dockerfile`: it can't be read as one, or asks for what is not there
 * - `build-step-failed`: an instruction was run, and failed
 * - `disk-full`: the engine, or the context, has no space left
 * - `build-failed`: all else that the engine says
 */
export type ImageFailureCode =
  | 'dockerfile'
  | 'build-step-failed'
  | 'disk-full'
  | 'build-failed'
  | 'base-image'
  | 'no-builder'
  | 'needs-buildkit'
  | 'not-in-source'
  | 'outside-source'
  | 'ignore-file'
  | 'cancelled'
  | 'engine-unreachable';

/** Why there is no image. The message has the Dockerfile's line in it; all of it is masked. */
export interface ImageFailure extends Failure<ImageFailureCode> {
  line?: DockerfileLine;
}

/** The sub-step that failed, and what it wrote last. */
export interface FailedStep {
  name: string;
  line: DockerfileLine | undefined;
  error: string;
  lastLines: readonly string[];
}

/** What the engine said at the end of a build, as a failure for a person. */
export function buildFailure(message: string, dockerfile: DockerfileText, failed?: FailedStep): ImageFailure {
  const words = plain(failed?.error || message);
  const base = kindOf(message, failed, words);
  const line = dockerfile.lineOfComplaint(message) ?? failed?.line;
  const where = line === undefined ? '' : `\nDockerfile:${line.number}: ${line.text}`;
  const last =
    failed === undefined || failed.lastLines.length === 0 ? '' : `\n${failed.lastLines.join('\n')}`;
  return { ...base, message: `${base.message.trimEnd()}${where}${last}`, ...(line && { line }) };
}

/** Without what only says through which hands the error went. */
function plain(message: string): string {
  return message
    .trim()
    .replace(
      /^(failed to solve(?: with frontend \S+)?: |rpc error: code = \w+ desc = |failed to create LLB definition: |failed to solve: )+/i,
      '',
    )
    .replace(/\.$/, '');
}

function kindOf(
  message: string,
  failed: FailedStep | undefined,
  words: string,
): Pick<ImageFailure, 'code' | 'message'> {
  const everything = [message, failed?.name ?? '', ...(failed?.lastLines ?? [])].join('\n');
  if (DISK_FULL.test(everything)) {
    return {
      code: 'disk-full',
      message: `The disk is full: ${words}. Free some space on the agent's machine.`,
    };
  }
  if ((failed !== undefined && GETS_BASE.test(failed.name)) || NO_BASE.test(message))
    return { code: 'base-image', message: `A base image can't be had: ${words}` };
  if (NO_DOCKERFILE.test(message))
    return { code: 'dockerfile', message: `The Dockerfile has an error: ${words}` };
  if (failed !== undefined) return { code: 'build-step-failed', message: `${failed.name} failed: ${words}` };
  return { code: 'build-failed', message: `The image can't be built: ${words}` };
}
