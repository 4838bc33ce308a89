import { homedir } from 'node:os';
import complete from '@bomb.sh/tab/commander';
import { Command, CommanderError } from 'commander';
import { addAgent } from './agent.ts';
import { addAgents } from './agents.ts';
import { addBatch } from './batch.ts';
import { addBuild } from './build.ts';
import type { Context, GlobalOptions, Run } from './context.ts';
import { addDashboard, DASHBOARD } from './dashboard.ts';
import { addExecute } from './execute.ts';
import { addJob } from './job.ts';
import { addJobs } from './jobs.ts';
import { addLogs } from './logs.ts';
import { addMapCheck } from './map-check.ts';
import { addMapInit } from './map-init.ts';
import { createOutput } from './output.ts';
import { addPrune } from './prune.ts';
import { addRestore } from './restore.ts';
import { addRollback } from './rollback.ts';
import { addStatus } from './status.ts';
import { addVersions } from './versions.ts';

const VERSION = '0.1.0';

/** Runs one command line (without the program's own name) in this process; fulfilled with its exit code. */
export async function runTowline(args: readonly string[]): Promise<number> {
  const output = createOutput(process.stdout, process.stderr);
  let exitCode = 0;
  const run: Run = async (work) => {
    exitCode = await work(contextOf(program.opts<GlobalOptions>(), output));
  };
  const program = createProgram(run);
  try {
    await program.parseAsync(withDefault(program, args), { from: 'user' });
    const lost = await output.lost();
    if (lost === undefined) return exitCode;
    output.note(`towline: The result could not be written: ${lost}.`);
    return exitCode === 0 ? 1 : exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 64;
    return reportBug(error, output.note);
  } finally {
    output.status(undefined);
  }
}

function createProgram(run: Run): Command {
  const program = new Command('towline')
    .description(
      'Builds images and deploys them to servers, from a terminal.\n\nWithout a command: the dashboard.',
    )
    .version(VERSION)
    .option(
      '--file <file>',
      'the map file; else $TOWLINE_FILE, ./towline.yaml, $XDG_CONFIG_HOME/towline/towline.yaml',
    )
    .option('--service <service>', 'the service; not needed where there is one')
    .option('--map <map>', 'the application map; not needed where there is one')
    .option('--json', 'print one JSON document, or a line of JSON for each entry of what streams')
    .option('--read-only', 'change nothing')
    .option('--no-color', 'no colours; as does $NO_COLOR')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(`towline --help` lists all commands; add --help after one for its own options)')
    .addHelpText('after', EXIT_CODES)
    .configureOutput({ outputError: (said, write) => write(said.replace(/^error: /, 'towline: ')) })
    .exitOverride();
  addDashboard(program, run);
  addStatus(program, run);
  addExecute(program, run);
  addBatch(program, run);
  addRollback(program, run);
  addRestore(program, run);
  addPrune(program, run);
  addVersions(program, run);
  addBuild(program, run);
  addLogs(program, run);
  addJobs(program, run);
  addJob(program, run);
  const map = program.command('map').description('check the map file, or write one').helpCommand(false);
  addMapCheck(map, run);
  addMapInit(map, run);
  addAgents(program, run);
  addAgent(program, run);
  // Last: it reads the commands that there are.
  complete(program, { completionCommandName: 'completion' });
  program.commands
    .find((command) => command.name() === 'completion')
    ?.description('print the script that completes these words in a shell');
  return program;
}

const EXIT_CODES = `
Exit codes: 0 done · 1 it could not (a bad map, an internal error) ·
2 refused by a rule, or nothing armed · 3 failed and restored, or a build that
failed or was cancelled · 4 degraded · 5 an agent could not be reached ·
64 the words of the command are off · 130 interrupted with Ctrl-C: a job or a
build that was begun goes on`;

/** What is told nothing draws the dashboard. A default command would take any unknown word for its argument. */
function withDefault(program: Command, args: readonly string[]): string[] {
  const { operands, unknown } = program.parseOptions([...args]);
  const asksForHelp = unknown.some((word) => word === '--help' || word === '-h');
  return operands.length > 0 || asksForHelp ? [...args] : [...args, DASHBOARD];
}

function contextOf(options: GlobalOptions, output: Context['output']): Context {
  return {
    options,
    env: process.env,
    home: homedir(),
    cwd: process.cwd(),
    version: VERSION,
    output,
    stdin: process.stdin,
  };
}

/** An exception is a bug: one sentence for the person, the stack for who looks for it. */
export function reportBug(error: unknown, note: (line: string) => void): 1 {
  const message = error instanceof Error ? error.message : String(error);
  const said = message.replace(/\.$/, '').replaceAll('\n', ' ');
  note(
    `towline: Something went wrong in towline itself: ${said}. Please report it to who maintains it for you.`,
  );
  if (process.env.TOWLINE_DEBUG === '1' && error instanceof Error) note(error.stack ?? '');
  else note('(TOWLINE_DEBUG=1 adds what they need to know.)');
  return 1;
}
