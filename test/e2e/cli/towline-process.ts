import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programFiles } from '@towline/test/sandbox';
import { type LocalPlace, localPlace } from '@towline/tui/link';
import { execa } from 'execa';
import { stringify } from 'yaml';

/** The file of `towline`. */
export const TOWLINE = programFiles().towline;

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
  /** Stdout as one JSON document. */
  json: () => unknown;
  /** Stdout as lines of JSON. */
  jsonLines: () => unknown[];
}

/** A folder of its own: home, state and map file, so that no test sees what another, or a person, left. */
export interface CliPlace {
  dir: string;
  mapFile: string;
  env: NodeJS.ProcessEnv;
  run(...args: string[]): Promise<Ran>;
  /** The same in another environment. */
  runWith(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Ran>;
  /** Where the local agent is that `env` leads to, or `DOCKER_HOST` as it is given. */
  place(dockerHost?: string): LocalPlace;
  writeMap(map: object | string): Promise<void>;
  close(): Promise<void>;
}

/** Short, because of the sockets in it. */
export async function createPlace(): Promise<CliPlace> {
  const dir = await mkdtemp('/tmp/tl-cli-');
  const mapFile = join(dir, 'towline.yaml');
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: dir,
    TZ: 'UTC',
    XDG_RUNTIME_DIR: join(dir, 'run'),
    XDG_STATE_HOME: join(dir, 'state'),
    XDG_CONFIG_HOME: join(dir, 'config'),
    DOCKER_HOST: `unix://${join(dir, 'no-engine.sock')}`,
    NODE_COMPILE_CACHE: programFiles().compileCache ?? join(dir, 'compile-cache'),
  };
  const runWith = async (more: NodeJS.ProcessEnv, ...args: string[]): Promise<Ran> => {
    const { exitCode, signal, stdout, stderr } = await execa(process.execPath, [TOWLINE, ...args], {
      cwd: dir,
      env: { ...env, ...more },
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      timeout: 60_000,
    });
    if (exitCode === undefined) throw new Error(`towline ${args.join(' ')} ended with ${signal}: ${stderr}`);
    return {
      code: exitCode,
      stdout,
      stderr,
      json: () => JSON.parse(stdout),
      jsonLines: () => stdout.split('\n').map((line) => JSON.parse(line)),
    };
  };
  return {
    dir,
    mapFile,
    env,
    run: (...args) => runWith({}, ...args),
    runWith,
    place(dockerHost = env.DOCKER_HOST ?? '') {
      const found = localPlace({ env: { ...env, DOCKER_HOST: dockerHost }, home: dir, exists: existsSync });
      if (!found.ok) throw new Error(found.error.message);
      return found.value;
    },
    writeMap: (map) => writeFile(mapFile, typeof map === 'string' ? map : stringify(map)),
    close: () => rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  };
}
