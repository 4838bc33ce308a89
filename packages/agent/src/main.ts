import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import pino from 'pino';
import { addTokenCommands } from './access/index.ts';
import { engineAddress } from './engine/index.ts';
import { listenPlan, runAgent } from './server/index.ts';
import { compileOnceBusy, SPARING_ENVIRONMENT } from './sparing/index.ts';

const VERSION = '0.1.0';
const ENDS = ['SIGTERM', 'SIGINT'] as const;
/** The exit code of `towline` for them, too. */
const WORDS_ARE_OFF = 64;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];
/** As much of the log waits for a disk that is full to have room; what comes after is left out. */
const LOG_WAITS_BYTES = 1024 * 1024;

interface Options {
  socket: string;
  stateDir: string;
  engine?: string;
  idleExit?: number;
  logLevel: string;
  listen?: string;
  tlsCert?: string;
  tlsKey?: string;
  tlsClientCa?: string;
}

const HELP = `
Over the network everybody needs a token, also on loopback, where TLS may be left out:
  towline-agent token create anna --role operator
  towline-agent --listen 0.0.0.0:7443 --tls-cert cert.pem --tls-key key.pem
Tokens are kept hashed under the state folder. A certificate that is renewed is read again within seconds, or on SIGHUP.
`;

const stateHome = process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state');
const runtimeDir = process.env.XDG_RUNTIME_DIR;
const defaultSocket = runtimeDir
  ? join(runtimeDir, 'towline', 'agent.sock')
  : join(stateHome, 'towline', 'agent.sock');

const command = new Command('towline-agent')
  .description('Deploys to this machine’s container engine, for Towline’s dashboards and command line.')
  .version(VERSION)
  .option('--socket <path>', 'the Unix socket to listen on', path, defaultSocket)
  .option(
    '--state-dir <dir>',
    'where jobs and their journals are kept',
    path,
    join(stateHome, 'towline', 'agent'),
  )
  .option('--listen <host:port>', 'listen on the network as well, for those who have a token')
  .option('--tls-cert <file>', 'the certificate for --listen, PEM; without TLS only loopback is listened on')
  .option('--tls-key <file>', 'its key, PEM without a passphrase')
  .option('--tls-client-ca <file>', 'take only clients with a certificate of this CA')
  .option('--engine <url>', 'the engine’s socket: a path, unix:///path or tcp://host:port')
  .option('--idle-exit <seconds>', 'end when nobody is connected and no job runs for as long', seconds)
  .addOption(new Option('--log-level <level>', 'how much to log, to stderr').choices(LEVELS).default('info'))
  .addHelpText('after', HELP)
  .exitOverride()
  .action(async (options: Options) => {
    process.exitCode = await run(options);
  });
addTokenCommands(command, {
  stateDir: () => command.opts<Options>().stateDir,
  out: (text) => process.stdout.write(text),
  fail: (message) => {
    process.exitCode = refuse(message);
  },
  now: Date.now,
});
// As one file it is CommonJS, which waits for nothing at its top.
void command.parseAsync().catch((error: unknown) => {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : WORDS_ARE_OFF;
});

async function run(options: Options): Promise<number> {
  const listen = listenPlan(options);
  if (!listen.ok) return refuse(listen.error.message, WORDS_ARE_OFF);
  const engine = engineAddress({ option: options.engine, env: process.env });
  if (!engine.ok) return refuse(engine.error.message, WORDS_ARE_OFF);
  // A source's files have the modes that they have in its images: under another umask no user but root could read them there.
  // What is the agent's alone is in folders of its own, and says so itself.
  process.umask(0o022);
  // docker-modem reads this by itself, whatever it is told, and throws where it can't.
  delete process.env.DOCKER_HOST;
  // Of this process, and not of what its builds run.
  for (const name of Object.keys(SPARING_ENVIRONMENT)) delete process.env[name];
  const destination = pino.destination({ dest: 2, sync: true, maxLength: LOG_WAITS_BYTES });
  // A full disk under its log is no reason for an agent to end: without a listener it would, in the middle of a job.
  destination.on('error', () => {});
  const log = pino({ level: options.logLevel, base: null }, destination);
  const stop = Promise.withResolvers<string>();
  const renews = listen.value?.tls !== undefined;
  for (const signal of renews ? ENDS : ([...ENDS, 'SIGHUP'] as const)) {
    process.once(signal, () => stop.resolve(signal));
  }
  let reload = async () => {};
  // A daemon's: one in a terminal that hangs up goes on as well.
  if (renews) process.on('SIGHUP', () => void reload());
  const agent = await runAgent({
    socketPath: resolve(options.socket),
    listen: listen.value,
    stateDir: resolve(options.stateDir),
    engine: engine.value,
    idleExitSeconds: options.idleExit,
    version: VERSION,
    log,
  });
  if (!agent.ok) return refuse(agent.error.message);
  reload = agent.value.reload;
  compileOnceBusy();
  const reason = await Promise.race([stop.promise, agent.value.idle.then(() => 'idle')]);
  log.info({ reason }, 'ending; jobs that run are in the journal and go on at the next start');
  await agent.value.close();
  // A job's pull or gate may still hold the process; what counts is journaled.
  setImmediate(() => process.exit());
  return 0;
}

function refuse(message: string, exitCode = 1): number {
  process.stderr.write(`towline-agent: ${message}\n`);
  return exitCode;
}

/** An empty one, of a variable that is not set, would be the folder that this happens to run in. */
function path(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is a path.');
  return text;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('It is a number of seconds above 0.');
  return value;
}
