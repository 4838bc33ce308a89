import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { constants, tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The checkout's root. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What can't go on, with what to do about it as its message. */
export class Stopped extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function say(line) {
  process.stdout.write(`towline: ${line}\n`);
}

/** The checkout's own programs come first, Node 24 among them. */
export const ENV = {
  ...process.env,
  HOME: process.env.HOME || home(),
  PATH: [join(ROOT, 'node_modules', '.bin'), process.env.PATH, '/usr/local/sbin', '/usr/sbin', '/sbin'].join(
    delimiter,
  ),
};

/**
 * Runs a program in the checkout's root and returns its exit code. Its output goes straight through, less the lines
 * that match one of `leaveOut`. A signal that asks this process to end is passed on, and ends the whole once the
 * program has cleaned up.
 */
export async function runProgram(command, args, options = {}) {
  const { leaveOut = [] } = options;
  const out = leaveOut.length > 0 ? 'pipe' : 'inherit';
  const child = spawn(command, args, {
    cwd: ROOT,
    stdio: ['inherit', out, out],
    env: { ...ENV, ...options.env },
  });
  if (out === 'pipe') {
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      createInterface({ input: from }).on('line', (line) => {
        if (!leaveOut.some((pattern) => pattern.test(line))) to.write(`${line}\n`);
      });
    }
  }
  let asked;
  const pass = (signal) => {
    asked = signal;
    // A terminal's Ctrl-C reaches the program by itself; a second one would be taken for impatience.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, pass);
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', (error) =>
        reject(new Stopped(`${command} could not be started: ${error.message}`)),
      );
      child.once('close', (exitCode, signal) => resolve(exitCode ?? 128 + (constants.signals[signal] ?? 0)));
    });
    if (asked !== undefined && !options.handlesSignals) {
      throw new Stopped(
        `Ended by ${asked}. The same command can be run again.`,
        128 + constants.signals[asked],
      );
    }
    return code;
  } finally {
    for (const signal of signals) process.off(signal, pass);
  }
}

function home() {
  try {
    const { homedir } = userInfo();
    if (homedir) return homedir;
  } catch {
    // A user without an entry in the password file.
  }
  const made = join(tmpdir(), `towline-home-${process.getuid?.() ?? 0}`);
  mkdirSync(made, { recursive: true, mode: 0o700 });
  return made;
}
