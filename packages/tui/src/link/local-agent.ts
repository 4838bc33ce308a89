import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Hello } from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import { lastWord } from './last-word.ts';
import { type LocalPlace, localPlace, placeOfSocket, recordPath } from './local-place.ts';

/** The agent of one of this machine's engines: there is one to each. */
export interface LocalAgent {
  socketPath: string;
  /** The same as a map file has it. */
  url: string;
  /**
   * Returns once an agent answers on the socket; starts one where none does. It outlives this process and ends by itself
   * when idle. Two callers at once get one agent: its lock on the state folder decides. Errors: `agent-start`, with the
   * agent's own last word.
   */
  ensure(signal: AbortSignal): Promise<Result<void>>;
  /** Why the agent that answers there is not the one that was asked for; undefined where it is. */
  whyOther(hello: Hello): string | undefined;
}

export interface LocalAgentOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** Seconds without a client and a job after which a started agent ends. */
  idleExitSeconds?: number;
  /** The program with its first arguments; what is installed beside this one unless given. */
  program?: readonly string[];
}

const IDLE_EXIT_SECONDS = 300;
const START_MS = 15_000;
/** After the agent that was started here ended: the one that it lost the state folder to may still be starting. */
const OTHER_STARTS_MS = 3_000;
const LOOK_MS = 25;
/** A log above this begins anew; the one before it is kept. */
const MAX_LOG_BYTES = 5 * 1024 * 1024;

/** The agent of the engine that the environment names, else of the default one. Errors: `engine-address`. */
export function localAgent(options: LocalAgentOptions): Result<LocalAgent> {
  const place = localPlace(machineOf(options));
  return place.ok ? ok(agentAt(place.value, options)) : place;
}

/** The agent that Towline starts at this socket; undefined where it starts none. */
export function agentOfSocket(socketPath: string, options: LocalAgentOptions): LocalAgent | undefined {
  const place = placeOfSocket(socketPath, machineOf(options));
  return place === undefined ? undefined : agentAt(place, options);
}

function machineOf({ env }: LocalAgentOptions) {
  return { env, home: homedir(), exists: existsSync };
}

function agentAt(place: LocalPlace, options: LocalAgentOptions): LocalAgent {
  const { env, idleExitSeconds = IDLE_EXIT_SECONDS } = options;
  const { socketPath, stateDir, engine, named } = place;
  const [command = 'towline-agent', ...first] =
    options.program ?? installedAgent(import.meta.url, existsSync);

  return {
    socketPath,
    url: `unix://${encodeURI(socketPath)}`,
    async ensure(signal) {
      if (await answers(socketPath)) return ok(undefined);
      const logPath = join(stateDir, 'agent.log');
      let log: FileHandle;
      try {
        await mkdir(stateDir, { recursive: true, mode: 0o700 });
        await writeFile(recordPath(stateDir), `${JSON.stringify(engine)}\n`, { mode: 0o600 });
        const size = (await stat(logPath).catch(() => undefined))?.size ?? 0;
        if (size > MAX_LOG_BYTES) await rename(logPath, `${logPath}.1`);
        log = await open(logPath, 'a', 0o600);
      } catch (error) {
        return err(notStarted(`its state folder ${stateDir} can't be used: ${messageOf(error)}`));
      }
      try {
        const before = (await log.stat()).size;
        // The address says all: what the environment has now may be of another engine.
        const { DOCKER_HOST: _host, DOCKER_TLS_VERIFY: _tls, DOCKER_CERT_PATH: _certs, ...rest } = env;
        const { certPath } = engine;
        const where = ['--socket', socketPath, '--state-dir', stateDir, '--engine', engine.engine];
        const child = spawn(
          command,
          [...first, ...where, '--idle-exit', String(idleExitSeconds)],
          // The file system's root: the agent must not keep a folder busy that somebody wants to unmount.
          {
            cwd: '/',
            env: { ...rest, ...(certPath && { DOCKER_CERT_PATH: certPath }) },
            detached: true,
            stdio: ['ignore', log.fd, log.fd],
          },
        );
        let endedAt: number | undefined;
        let spawnError: string | undefined;
        child.once('error', (error) => {
          spawnError = messageOf(error);
          endedAt = performance.now();
        });
        child.once('exit', () => {
          endedAt = performance.now();
        });
        child.unref();
        const deadline = performance.now() + START_MS;
        for (;;) {
          if (await answers(socketPath)) return ok(undefined);
          if (signal.aborted) return err(notStarted('it was not waited for'));
          const now = performance.now();
          if (spawnError !== undefined) return err(notStarted(spawnError));
          if (now > deadline || (endedAt !== undefined && now > endedAt + OTHER_STARTS_MS)) break;
          await sleep(LOOK_MS);
        }
        const said = lastWord(await readFrom(logPath, before));
        return err(notStarted(`${said ?? 'it said nothing'} (its log: ${logPath})`));
      } finally {
        await log.close();
      }
    },
    whyOther({ engineAddress, pid }) {
      if (!named || engineAddress === undefined || engineAddress === engine.engine) return undefined;
      return `The agent at ${socketPath} (process ${pid}) has the engine ${engineAddress}, not ${engine.engine}. End it, and the agent of that engine is started here; or unset DOCKER_HOST to use it as it is.`;
    },
  };
}

/** The agent that belongs to this program: its source beside this source, its bundle beside this bundle, or the PATH's. */
export function installedAgent(moduleUrl: string, exists: (path: string) => boolean): readonly string[] {
  const beside = moduleUrl.endsWith('.ts')
    ? new URL('../../../agent/src/main.ts', moduleUrl)
    : new URL('../../agent/bin/towline-agent.js', moduleUrl);
  const path = fileURLToPath(beside);
  return exists(path) ? [process.execPath, path] : ['towline-agent'];
}

function notStarted(reason: string) {
  return {
    code: 'agent-start',
    message: `The local agent could not be started: ${reason.replace(/\.$/, '')}.`,
  };
}

/** Whether somebody accepts connections there. One that we may not use is somebody all the same: the link says so. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error) =>
      resolve('code' in error && (error.code === 'EACCES' || error.code === 'EPERM')),
    );
  });
}

async function readFrom(path: string, start: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    // A log that began anew meanwhile is read whole.
    const from = size < start ? 0 : Math.max(start, size - 64 * 1024);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
