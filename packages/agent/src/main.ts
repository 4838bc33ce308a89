import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import pino from 'pino';
import { engineAddress } from './engine/index.ts';
import { runAgent } from './server/index.ts';

const VERSION = '0.1.0';
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];
/** As much of the log waits for a disk that is full to have room; what comes after is left out. */
const LOG_WAITS_BYTES = 1024 * 1024;

interface Options {
  socket: string;
  stateDir: string;
  engine?: string;
  idleExit?: number;
  logLevel: string;
  /** Of a later version: refused with a sentence of its own until then. */
  listen?: string;
}

const stateHome = process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state');
const runtimeDir = process.env.XDG_RUNTIME_DIR;
const defaultSocket = runtimeDir
  ? join(runtimeDir, 'towline', 'agent.sock')
  : join(stateHome, 'towline', 'agent.sock');

const command = new Command('towline-agent')
  .description('Deploys to this machine’s container engine, for Towline’s dashboards and command line.')
  .version(VERSION)
  .option('--socket <path>', 'the Unix socket to listen on', defaultSocket)
  .option('--state-dir <dir>', 'where jobs and their journals are kept', join(stateHome, 'towline', 'agent'))
  .option('--engine <url>', 'the engine’s socket: a path, unix:///path or tcp://host:port')
  .option('--idle-exit <seconds>', 'end when nobody is connected and no job runs for as long', seconds)
  .addOption(new Option('--log-level <level>', 'how much to log, to stderr').choices(LEVELS).default('info'))
  .addOption(new Option('--listen <host:port>').hideHelp())
  .parse();

process.exitCode = await run(command.opts<Options>());

async function run(options: Options): Promise<number> {
  if (options.listen !== undefined) {
    return refuse('--listen is not available yet: the agent listens on its Unix socket only. Leave it out.');
  }
  const engine = engineAddress({ option: options.engine, env: process.env });
  if (!engine.ok) return refuse(engine.error.message);
  // dockerode reads this by itself, whatever it is told, and throws where it can't.
  delete process.env.DOCKER_HOST;
  const destination = pino.destination({ dest: 2, sync: true, maxLength: LOG_WAITS_BYTES });
  // A full disk under its log is no reason for an agent to end: without a listener it would, in the middle of a job.
  destination.on('error', () => {});
  const log = pino({ level: options.logLevel, base: null }, destination);
  const stop = Promise.withResolvers<string>();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.once(signal, () => stop.resolve(signal));
  }
  const agent = await runAgent({
    socketPath: resolve(options.socket),
    stateDir: resolve(options.stateDir),
    engine: engine.value,
    idleExitSeconds: options.idleExit,
    version: VERSION,
    log,
  });
  if (!agent.ok) return refuse(agent.error.message);
  const reason = await Promise.race([stop.promise, agent.value.idle.then(() => 'idle')]);
  log.info({ reason }, 'ending; jobs that run are in the journal and go on at the next start');
  await agent.value.close();
  // A job's pull or gate may still hold the process; what counts is journaled.
  setImmediate(() => process.exit());
  return 0;
}

function refuse(message: string): number {
  process.stderr.write(`towline-agent: ${message}\n`);
  return 1;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('It is a number of seconds above 0.');
  return value;
}
