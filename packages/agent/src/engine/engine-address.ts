import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeEngine, findEngine } from '@towline/core/engine';
import { err, ok, type Result } from '@towline/core/result';

/** Where an engine listens. An agent works beside its engine: one on another machine is reached by an agent there. */
export type EngineAddress =
  | { kind: 'socket'; path: string }
  | { kind: 'tcp'; host: string; port: number; tls?: EngineTls };

/** PEM, as `DOCKER_CERT_PATH` has them. */
export interface EngineTls {
  ca: string;
  cert: string;
  key: string;
}

/** The file system, as far as finding an engine takes a look at it. */
interface Files {
  exists(path: string): boolean;
  /** Throws where it can't be read. */
  read(path: string): string;
}

export interface AddressSources {
  /** `--engine`. */
  option?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  /** The machine's own unless given. */
  files?: Files;
}

const LOCAL_FILES: Files = { exists: existsSync, read: (path) => readFileSync(path, 'utf8') };

/** The engine to use, with what reaching it takes. Errors: `engine-address`. */
export function engineAddress({ option, env, files = LOCAL_FILES }: AddressSources): Result<EngineAddress> {
  const found = findEngine({ option, env, exists: files.exists });
  if (!found.ok) return found;
  const target = found.value;
  if (target.kind === 'socket') return ok(target);
  const { kind, host, port, secure } = target;
  if (!secure) return ok({ kind, host, port });
  const folder = env.DOCKER_CERT_PATH || join(env.HOME ?? '/', '.docker');
  try {
    const read = (name: string) => files.read(join(folder, `${name}.pem`));
    return ok({ kind, host, port, tls: { ca: read('ca'), cert: read('cert'), key: read('key') } });
  } catch {
    return err({
      code: 'engine-address',
      message: `"${describeEngine(target)}" can't be used as the engine's address: its ca.pem, cert.pem and key.pem can't be read from ${folder}. Set DOCKER_CERT_PATH to their folder.`,
    });
  }
}

/** As people write it in `--engine` and messages. */
export function describeAddress(address: EngineAddress): string {
  if (address.kind === 'socket') return describeEngine(address);
  const { kind, host, port, tls } = address;
  return describeEngine({ kind, host, port, secure: tls !== undefined });
}
