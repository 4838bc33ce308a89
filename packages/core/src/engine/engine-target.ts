import { err, ok, type Result } from '../result/index.ts';

/** Where an engine listens, before anything is read that reaching it takes. */
export type EngineTarget =
  | { kind: 'socket'; path: string }
  | { kind: 'tcp'; host: string; port: number; secure: boolean };

export interface EngineSources {
  /** What was said on a command line, before all else. */
  option?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  /** Whether a path is there. */
  exists(path: string): boolean;
}

type Strategy = (sources: EngineSources) => string | undefined;

/** Tried in this order; the first that has an answer is taken. */
const STRATEGIES: readonly Strategy[] = [
  ({ option }) => option,
  ({ env }) => env.DOCKER_HOST,
  (sources) => present('/var/run/docker.sock', sources),
  (sources) => sources.env.XDG_RUNTIME_DIR && present(`${sources.env.XDG_RUNTIME_DIR}/docker.sock`, sources),
  (sources) => sources.env.HOME && present(`${sources.env.HOME}/.docker/run/docker.sock`, sources),
];

const DEFAULT_SOCKET = '/var/run/docker.sock';
const TCP_PORT = 2375;
const TLS_PORT = 2376;
const EXPECTED = 'it is a path, unix:///path or tcp://host:port';

/**
 * The engine to use. Where none is found it is the ordinary socket, so that one which starts later is found there.
 * Errors: `engine-address`.
 */
export function findEngine(sources: EngineSources): Result<EngineTarget> {
  for (const strategy of STRATEGIES) {
    const found = strategy(sources);
    if (found) return parse(found, sources.env);
  }
  return ok({ kind: 'socket', path: DEFAULT_SOCKET });
}

/** In words that `findEngine` reads as the same engine, whatever the environment says. */
export function describeEngine(target: EngineTarget): string {
  if (target.kind === 'socket') return `unix://${target.path}`;
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return `${target.secure ? 'https' : 'tcp'}://${host}:${target.port}`;
}

function parse(text: string, env: EngineSources['env']): Result<EngineTarget> {
  if (text.startsWith('/')) return ok({ kind: 'socket', path: text });
  const [, scheme, rest = ''] = /^([a-z]+):\/\/(.*)$/s.exec(text) ?? [];
  switch (scheme) {
    case 'unix':
      if (!rest.startsWith('/')) return unusable(text, 'a socket is written unix:///its/path');
      return ok({ kind: 'socket', path: rest });
    case 'ssh':
      return unusable(
        text,
        'an engine on another machine is reached by an agent there. Start towline-agent on it, beside its engine',
      );
    case 'tcp':
    case 'http':
    case 'https':
      return parseTcp(text, scheme, rest, env);
    case undefined:
      // A lone word is more likely a slip than a host.
      return /:\d+$/.test(text) ? parseTcp(text, 'tcp', text, env) : unusable(text, EXPECTED);
    default:
      return unusable(text, EXPECTED);
  }
}

/** Whether TLS is wanted is what Docker's own variables say. */
function parseTcp(
  text: string,
  scheme: string,
  rest: string,
  env: EngineSources['env'],
): Result<EngineTarget> {
  const [, bracketed, plain, said] = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::(\d+))?\/?$/.exec(rest) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) return unusable(text, /^(?::|\/|$)/.test(rest) ? 'it names no host' : EXPECTED);
  const secure = scheme === 'https' || env.DOCKER_TLS_VERIFY === '1' || said === String(TLS_PORT);
  const port = said === undefined ? (secure ? TLS_PORT : TCP_PORT) : Number(said);
  if (port < 1 || port > 65_535) return unusable(text, 'a port is from 1 to 65535');
  return ok({ kind: 'tcp', host, port, secure });
}

function unusable(text: string, reason: string): Result<never> {
  return err({
    code: 'engine-address',
    message: `"${text}" can't be used as the engine's address: ${reason}.`,
  });
}

function present(path: string, { exists }: EngineSources): string | undefined {
  return exists(path) ? path : undefined;
}
