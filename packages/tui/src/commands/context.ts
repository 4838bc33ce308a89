import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import type { ExitCode } from '@towline/core/plan';
import type { Failure } from '@towline/core/result';
import { jsonText } from './json-text.ts';
import { findMapFile } from './map-location.ts';
import type { Output } from './output.ts';

/** The options that every command takes. */
export interface GlobalOptions {
  file?: string;
  service?: string;
  map?: string;
  json?: boolean;
  readOnly?: boolean;
  color: boolean;
}

/** What a command is given: its own process, so far as it may touch it. */
export interface Context {
  options: GlobalOptions;
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  cwd: string;
  version: string;
  output: Output;
  stdin: NodeJS.ReadStream;
}

/** Whether a terminal may be written to in colours. */
export function inColour({ options, env }: Context): boolean {
  return options.color && !env.NO_COLOR;
}

/** A command that is run, from its words to its exit code. */
export type Run = (work: (context: Context) => Promise<number>) => Promise<void>;

/** Why a command could not, and how it ends then. */
export interface CommandFailure extends Failure {
  exitCode: ExitCode;
  /** Further lines for people. */
  details?: readonly string[];
  /** Further fields of the error in JSON. */
  json?: object;
}

/** Says why on stderr, and with `--json` on stdout as well, so that a script has it in one piece. */
export async function fail(context: Context, failure: CommandFailure): Promise<number> {
  const { code, message, exitCode, details = [], json = {} } = failure;
  context.output.note(`towline: ${message}`);
  for (const line of details) context.output.note(line);
  if (context.options.json) {
    // What follows the colon for people is data of its own here.
    await printJson(context, { error: { code, message: message.replace(/:$/, '.'), ...json } });
  }
  return exitCode;
}

/** The result as one document. */
export function printJson(context: Context, document: object): Promise<void> {
  return context.output.result(jsonText(document, 2));
}

/** One entry of a stream of JSON (NDJSON). */
export function printJsonLine(context: Context, entry: object): Promise<void> {
  return context.output.result(jsonText(entry));
}

/** The words of the command are off. */
export function usage(message: string): CommandFailure {
  return { code: 'usage', message, exitCode: 64 };
}

export function mapFileOf({ options, env, home, cwd }: Context): string | undefined {
  return findMapFile({ file: options.file, env, home, cwd, exists: existsSync });
}

/** Whether a person can be asked: both what they type and what they are shown is a terminal's. */
export function canAsk({ stdin, output }: Context): boolean {
  return stdin.isTTY === true && output.noteTty;
}

/** Asks on stderr; only `y` and `yes` are a yes. Ctrl-C and the end of the input are a no. */
export async function confirm(context: Context, question: string): Promise<boolean> {
  const prompt = createInterface({ input: context.stdin, output: process.stderr });
  const ended = new AbortController();
  prompt.once('close', () => ended.abort());
  prompt.once('SIGINT', () => ended.abort());
  try {
    const answer = await prompt.question(`${question} [y/N] `, { signal: ended.signal });
    return /^\s*y(es)?\s*$/i.test(answer);
  } catch {
    process.stderr.write('\n');
    return false;
  } finally {
    prompt.close();
  }
}

/** Says what is to be done: as the result where that is all that was asked for (`only`), beside it where it is asked about. */
export function sayerOf({ options, output }: Context, only: boolean): (line: string) => Promise<void> {
  return only && !options.json ? (line) => output.result(line) : async (line) => output.note(line);
}
