import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { err, ok, type Result } from '@towline/core/result';
import { type BuildEngine, type EngineAuth, EngineError } from '../../engine/index.ts';
import {
  CHECK_AGENT,
  CREDENTIALS,
  DIFF_COPY,
  decodeBytes,
  encodeBytes,
  FORWARD_AGENT,
  GET_SECRET,
  HEALTH,
} from './buildkit-protocol.ts';
import { type ContextFile, contextFiles, textFile } from './context-files.ts';
import {
  framed,
  GRPC_CODE,
  GRPC_OK,
  type GrpcCall,
  type GrpcHandler,
  type GrpcStatus,
  serveGrpc,
} from './grpc-server.ts';
import { IgnoreRules } from './ignore-rules.ts';
import { sendFiles } from './send-files.ts';

/** The only one there is: `RUN --mount=type=ssh` without an id. */
const SSH_ID = 'default';
const IGNORE = '.dockerignore';
/** Health's `SERVING`. */
const SERVING = 1;

/** What the engine may ask us for while it builds. */
export interface SessionOffer {
  /** The context's folder, links resolved. */
  context: string;
  /** The Dockerfile's text, and that of the ignore file beside it where there is one. */
  dockerfile: string;
  dockerfileIgnore?: string | undefined;
  /** What the ignore file that counts leaves out. */
  exclude: IgnoreRules;
  /** The values by their ids in the Dockerfile. */
  secrets: ReadonlyMap<string, Uint8Array>;
  /** An SSH agent's socket. */
  sshAuthSock?: string | undefined;
  /** Login for a registry, by its host; undefined for none. */
  auth(host: string): Promise<EngineAuth | undefined>;
  /** The same for builds from the same folder: what has not changed since is not sent again. */
  sharedKey: string;
}

export interface BuildkitSession {
  id: string;
  /** Why the context could not be sent, where that is so: the engine has only heard that it was. */
  transferProblem(): string | undefined;
  close(): void;
}

/**
 * Opens BuildKit's session: the engine dials back over the connection, and asks for files, secrets, logins and the SSH
 * agent as the build needs them. Nothing secret is in a request of ours. Undefined where the engine offers no
 * session: it has no BuildKit. Rejects with `EngineError` (`unreachable`).
 */
export async function openBuildkitSession(
  engine: BuildEngine,
  offer: SessionOffer,
  signal: AbortSignal,
): Promise<BuildkitSession | undefined> {
  const id = randomUUID();
  let problem: string | undefined;
  const handlers = new Map<string, GrpcHandler>();
  const answer = <Request, Response>(
    { path, decode, encode }: Question<Request, Response>,
    reply: (request: Request) => Result<Response, GrpcStatus> | Promise<Result<Response, GrpcStatus>>,
  ) => {
    handlers.set(path, async (call) => {
      const asked: Buffer[] = [];
      await call.read((message) => void asked.push(message));
      const said = await reply(decode(asked[0] ?? Buffer.alloc(0)));
      if (!said.ok) return said.error;
      call.send(framed(encode(said.value)));
      return GRPC_OK;
    });
  };
  // BuildKit asks every second, and ends the session where it is not answered.
  answer(HEALTH, () => ok({ status: SERVING }));
  answer(CREDENTIALS, async ({ Host }) => ok(loginOf(await offer.auth(Host).catch(() => undefined))));
  handlers.set(DIFF_COPY, async (call) => {
    try {
      await sendFiles(call, filesOf(offer, call));
      return GRPC_OK;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!call.gone) problem ??= message;
      return { code: GRPC_CODE.internal, message };
    }
  });
  if (offer.secrets.size > 0) {
    answer(GET_SECRET, ({ ID }) => {
      const data = offer.secrets.get(ID);
      if (data !== undefined) return ok({ data });
      return err({ code: GRPC_CODE.notFound, message: `there is no secret ${ID}` });
    });
  }
  const { sshAuthSock } = offer;
  if (sshAuthSock !== undefined) {
    answer(CHECK_AGENT, ({ ID }) => {
      if (ID === '' || ID === SSH_ID) return ok({});
      const message = `there is no SSH agent "${ID}", only "${SSH_ID}"`;
      return err({ code: GRPC_CODE.notFound, message });
    });
    handlers.set(FORWARD_AGENT, (call) => forwardAgent(call, sshAuthSock));
  }
  const socket = await openSession(
    engine,
    {
      'X-Docker-Expose-Session-Uuid': id,
      'X-Docker-Expose-Session-Name': 'towline',
      'X-Docker-Expose-Session-Sharedkey': offer.sharedKey,
      'X-Docker-Expose-Session-Grpc-Method': [...handlers.keys()],
    },
    signal,
  );
  if (socket === undefined) return undefined;
  const served = serveGrpc(socket, handlers);
  return {
    id,
    transferProblem: () => problem,
    close() {
      served.close();
      socket.destroy();
    },
  };
}

/** Whether an engine has BuildKit, found by trying. Rejects with `EngineError` (`unreachable`). */
export async function hasBuildkit(engine: BuildEngine, signal: AbortSignal): Promise<boolean> {
  const socket = await openSession(engine, { 'X-Docker-Expose-Session-Uuid': randomUUID() }, signal);
  socket?.destroy();
  return socket !== undefined;
}

async function openSession(
  engine: BuildEngine,
  headers: Parameters<BuildEngine['openSession']>[0],
  signal: AbortSignal,
): Promise<Duplex | undefined> {
  try {
    const socket = await engine.openSession(headers, signal);
    // The end of the connection is heard of where it matters: in the build's own answer.
    socket.on('error', () => undefined);
    return socket;
  } catch (error) {
    if (error instanceof EngineError && error.code !== 'unreachable') return undefined;
    throw error;
  }
}

interface Question<Request, Response> {
  path: string;
  decode(message: Uint8Array): Request;
  encode(message: Response): Uint8Array;
}

function loginOf(auth: EngineAuth | undefined): object {
  if (auth === undefined) return {};
  // A token in place of a password has no user: BuildKit takes it as the docker command gives it.
  if (auth.identitytoken !== undefined) return { Secret: auth.identitytoken };
  return { Username: auth.username ?? '', Secret: auth.password ?? '' };
}

/** BuildKit's names for the two folders that it reads. */
function filesOf(offer: SessionOffer, call: GrpcCall): Iterable<ContextFile> {
  const [name] = call.header('dir-name');
  if (name === 'dockerfile') {
    const files = [textFile('Dockerfile', offer.dockerfile)];
    if (offer.dockerfileIgnore === undefined) return files;
    return [...files, textFile('Dockerfile.dockerignore', offer.dockerfileIgnore)];
  }
  if (name !== 'context') throw new Error(`the builder asked for a folder that there is not ("${name}")`);
  // It asks for this one first, on its own; older ones by the one key, others by the other.
  const only = ['followpaths', 'include-patterns'].some((key) => call.header(key).join() === IGNORE);
  // The patterns are the ignore file's, which it read them from.
  const exclude = call.header('exclude-patterns').length === 0 ? IgnoreRules.none : offer.exclude;
  return contextFiles(offer.context, exclude, only ? [IGNORE] : []);
}

function forwardAgent(call: GrpcCall, path: string): Promise<GrpcStatus> {
  return new Promise((resolve) => {
    const agent = connect(path);
    const reading = call.read((message) => {
      if (agent.write(decodeBytes(message).data)) return;
      return new Promise((resume) => {
        agent.once('drain', resume);
        agent.once('close', resume);
      });
    });
    reading.then(
      () => agent.end(),
      () => agent.destroy(),
    );
    agent.on('data', (data: Buffer) => {
      agent.pause();
      call.send(framed(encodeBytes({ data })), () => agent.resume());
    });
    agent.once('close', () => resolve(GRPC_OK));
    agent.once('error', (error) => {
      const message = `the SSH agent does not answer: ${error.message}`;
      resolve({ code: GRPC_CODE.unavailable, message });
    });
  });
}
