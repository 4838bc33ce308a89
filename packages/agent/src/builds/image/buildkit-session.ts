import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerErrorResponse,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { BuildEngine, EngineAuth } from '../../engine/index.ts';
import { AUTH, FILE_SYNC, HEALTH, type Packet, SECRETS, SSH } from './buildkit-protocol.ts';
import { type ContextFile, contextFiles, textFile } from './context-files.ts';
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
  /** The patterns of the ignore file that counts. */
  exclude: readonly string[];
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
 * agent as the build needs them. Nothing secret is in a request of ours. Rejects with `EngineError`: where the engine
 * has no BuildKit its `statusCode` says so.
 */
export async function openBuildkitSession(
  engine: BuildEngine,
  offer: SessionOffer,
  signal: AbortSignal,
): Promise<BuildkitSession> {
  const id = randomUUID();
  let problem: string | undefined;
  const server = new Server({ 'grpc.max_receive_message_length': 16 * 1024 * 1024 });
  const methods: string[] = [];
  const serve = (service: ServiceDefinition, implementation: UntypedServiceImplementation) => {
    server.addService(service, implementation);
    methods.push(...Object.values(service).map(({ path }) => path));
  };
  // BuildKit asks every second, and ends the session where it is not answered.
  serve(HEALTH, {
    Check: (_: unknown, reply: Reply<{ status: number }>) => reply(null, { status: SERVING }),
  });
  serve(AUTH, {
    Credentials({ request }: Asked<{ Host: string }>, reply: Reply<object>) {
      offer.auth(request.Host).then(
        (auth) => reply(null, loginOf(auth)),
        () => reply(null, {}),
      );
    },
  });
  serve(FILE_SYNC, {
    DiffCopy(call: ServerDuplexStream<Packet, Packet>) {
      sendFiles(call, filesOf(offer, call.metadata)).catch((error: unknown) => {
        if (!call.cancelled) problem ??= error instanceof Error ? error.message : String(error);
        call.emit('error', refused(status.INTERNAL, problem ?? 'the transfer was given up'));
      });
    },
  });
  if (offer.secrets.size > 0) {
    serve(SECRETS, {
      GetSecret({ request }: Asked<{ ID: string }>, reply: Reply<{ data: Uint8Array }>) {
        const data = offer.secrets.get(request.ID);
        if (data === undefined) reply(refused(status.NOT_FOUND, `there is no secret ${request.ID}`));
        else reply(null, { data });
      },
    });
  }
  const { sshAuthSock } = offer;
  if (sshAuthSock !== undefined) {
    serve(SSH, {
      CheckAgent({ request }: Asked<{ ID: string }>, reply: Reply<object>) {
        if (request.ID === '' || request.ID === SSH_ID) reply(null, {});
        else reply(refused(status.NOT_FOUND, `there is no SSH agent "${request.ID}", only "${SSH_ID}"`));
      },
      ForwardAgent: (call: ServerDuplexStream<Bytes, Bytes>) => forwardAgent(call, sshAuthSock),
    });
  }
  const socket = await engine.openSession(
    {
      'X-Docker-Expose-Session-Uuid': id,
      'X-Docker-Expose-Session-Name': 'towline',
      'X-Docker-Expose-Session-Sharedkey': offer.sharedKey,
      'X-Docker-Expose-Session-Grpc-Method': methods,
    },
    signal,
  );
  // The end of the connection is heard of where it matters: in the build's own answer.
  socket.on('error', () => undefined);
  server.createConnectionInjector(ServerCredentials.createInsecure()).injectConnection(socket);
  return {
    id,
    transferProblem: () => problem,
    close() {
      server.forceShutdown();
      socket.destroy();
    },
  };
}

interface Asked<T> {
  request: T;
}
type Reply<T> = (error: ServerErrorResponse | null, value?: T) => void;
interface Bytes {
  data: Uint8Array;
}

function refused(code: status, message: string): ServerErrorResponse {
  return Object.assign(new Error(message), { code, details: message });
}

function loginOf(auth: EngineAuth | undefined): object {
  if (auth === undefined) return {};
  // A token in place of a password has no user: BuildKit takes it as the docker command gives it.
  if (auth.identitytoken !== undefined) return { Secret: auth.identitytoken };
  return { Username: auth.username ?? '', Secret: auth.password ?? '' };
}

/**
 * BuildKit's names for the two folders that it reads. Lists in its metadata have been joined with commas by the time they
 * are here, so that a pattern with a comma in it is lost: the patterns are the ignore file's, which it read them from.
 */
async function* filesOf(offer: SessionOffer, metadata: Metadata): AsyncGenerator<ContextFile> {
  const of = (key: string) => metadata.get(key).map(String).join(', ');
  const name = of('dir-name');
  if (name === 'dockerfile') {
    yield textFile('Dockerfile', offer.dockerfile);
    if (offer.dockerfileIgnore !== undefined)
      yield textFile('Dockerfile.dockerignore', offer.dockerfileIgnore);
    return;
  }
  if (name !== 'context') throw new Error(`the builder asked for a folder that there is not ("${name}")`);
  // It asks for this one first, on its own; older ones by the one key, others by the other.
  const only = [of('followpaths'), of('include-patterns')].includes(IGNORE) ? [IGNORE] : [];
  yield* contextFiles(offer.context, of('exclude-patterns') === '' ? [] : offer.exclude, only);
}

function forwardAgent(call: ServerDuplexStream<Bytes, Bytes>, path: string): void {
  const agent = connect(path);
  call.on('data', ({ data }: Bytes) => {
    if (!agent.write(data)) {
      call.pause();
      agent.once('drain', () => call.resume());
    }
  });
  call.once('end', () => agent.end());
  call.once('cancelled', () => agent.destroy());
  call.once('error', () => agent.destroy());
  agent.on('data', (data: Buffer) => {
    if (!call.write({ data })) {
      agent.pause();
      call.once('drain', () => agent.resume());
    }
  });
  agent.once('end', () => call.end());
  agent.once('error', (error) => {
    call.emit('error', refused(status.UNAVAILABLE, `the SSH agent does not answer: ${error.message}`));
  });
}
