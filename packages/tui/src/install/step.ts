import { shellWord } from '../link/index.ts';

/** What is sent to a machine. */
export type CargoItem = 'agent' | 'node';

/** One thing that is done to a machine. */
export type Step = RunStep | WriteStep | SendStep | AnswerStep;

export interface RunStep {
  kind: 'run';
  /** What for, for people: `switch to it`. */
  name: string;
  /** A script for `sh`; 0 is done. */
  command: string;
}

/** A file of this text. */
export interface WriteStep {
  kind: 'write';
  name: string;
  path: string;
  mode: string;
  text: string;
}

/** A file of this program's own. */
export interface SendStep {
  kind: 'send';
  name: string;
  item: CargoItem;
  bytes: number;
  path: string;
  mode: string;
}

/** Another agent than the one before answers over SSH. */
export interface AnswerStep {
  kind: 'answer';
  name: string;
}

/**
 * The script that does a step with what is sent into it; undefined for what is not done there. A file is in its place whole or not
 * at all: what came of it where the disk is full or the line was cut fills no disk. The part has the shell's number in its name,
 * so that one which hangs on a dead line takes nothing from the next.
 */
export function scriptOf(step: Step): string | undefined {
  switch (step.kind) {
    case 'run':
      return step.command;
    case 'write':
      return fileScript(step.path, step.mode, 'cat', Buffer.byteLength(step.text));
    case 'send':
      return fileScript(step.path, step.mode, 'gzip -dc', step.bytes);
    case 'answer':
      return undefined;
  }
}

function fileScript(path: string, mode: string, read: string, bytes: number): string {
  const whole = `[ "$(wc -c < "$p")" -eq ${bytes} ]`;
  return [
    `f=${shellWord(path)}; p=$f.$$.part`,
    `${read} > "$p" && ${whole} && chmod ${mode} "$p" && mv -f "$p" "$f" || { rm -f "$p"; exit 1; }`,
  ].join('\n');
}
