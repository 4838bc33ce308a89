import { spawn } from 'node:child_process';
import type { AskPassphrase } from '../link/index.ts';
import { type Context, canAsk } from './context.ts';
import { promptHidden } from './hidden-prompt.ts';

/** An answer is a line. */
const MAX_BYTES = 64 * 1024;

/**
 * Who is asked for the passphrase of an SSH key, as OpenSSH has it: the person at the terminal, by `atTerminal`, else the
 * program that SSH_ASKPASS names, or that one first where SSH_ASKPASS_REQUIRE says so; else nobody.
 */
export function passphraseAsker<T>(context: Context, atTerminal: T): AskPassphrase | T {
  const { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: wanted } = context.env;
  const byProgram = program ? askProgram(program, context) : undefined;
  if (byProgram !== undefined && (wanted === 'force' || wanted === 'prefer')) return byProgram;
  if (canAsk(context)) return atTerminal;
  return byProgram !== undefined && wanted !== 'never' ? byProgram : async () => undefined;
}

/** The person at the terminal of a command. */
export function askOnStderr({ stdin }: Context): AskPassphrase {
  return (question, signal) => promptHidden(stdin, `${question} `, signal);
}

function askProgram(program: string, { env, output }: Context): AskPassphrase {
  return (question, signal) =>
    new Promise((resolve) => {
      const child = spawn(program, [question], { env, signal, stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (part: string) => {
        if (text.length < MAX_BYTES) text += part;
      });
      child.once('error', (error) => {
        if (!signal.aborted) output.note(`towline: SSH_ASKPASS can't be run: ${error.message}.`);
        resolve(undefined);
      });
      child.once('close', (code) => resolve(code === 0 ? text.split(/\r?\n/)[0] : undefined));
    });
}
