import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SYSTEM_ENV } from './command.ts';

export interface GitHttpOptions {
  /** Names and passwords; with none, everybody may read. */
  users?: Readonly<Record<string, string>>;
  /** Users that have a password and may not read. */
  forbidden?: readonly string[];
  /** It speaks as servers before protocol 2 did: it gives out no commit but the ends of branches and tags. */
  old?: boolean;
  /** Git's own settings of the server, such as `uploadpack.allowFilter=true`. */
  config?: Readonly<Record<string, string>>;
}

/** `git http-backend` (smart HTTP) on loopback, with Basic authentication. */
export interface GitHttpServer {
  /** `http://127.0.0.1:PORT/NAME.git`. */
  url(name: string): string;
  /** What it was asked for, and with which user's name. */
  requests: { what: string; user: string | undefined }[];
  /** From now on: after as many bytes an answer goes on when `release` is called; 0 holds it all. */
  hold(afterBytes: number): void;
  /** Fulfilled when an answer is held. */
  held(): Promise<void>;
  release(): void;
  close(): Promise<void>;
}

export async function serveGitHttp(root: string, options: GitHttpOptions): Promise<GitHttpServer> {
  const requests: GitHttpServer['requests'] = [];
  let holdAfter: number | undefined;
  let gate = Promise.withResolvers<void>();
  let held = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    requests.push({ what: `${request.method} ${request.url}`, user: credentialsOf(request)?.user });
    const refusal = refusalFor(request, options);
    if (refusal !== undefined) {
      response.writeHead(refusal, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    serve(root, request, response, options, async (sent) => {
      if (holdAfter === undefined || sent < holdAfter) return;
      held.resolve();
      await gate.promise;
    }).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (name) => `http://127.0.0.1:${port}/${name}.git`,
    requests,
    hold(afterBytes) {
      holdAfter = afterBytes;
      gate = Promise.withResolvers();
      held = Promise.withResolvers();
    },
    held: () => held.promise,
    release() {
      holdAfter = undefined;
      gate.resolve();
    },
    async close() {
      gate.resolve();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function refusalFor(request: IncomingMessage, { users, forbidden = [] }: GitHttpOptions) {
  if (users === undefined) return undefined;
  const given = credentialsOf(request);
  if (given === undefined || !Object.hasOwn(users, given.user) || users[given.user] !== given.password)
    return 401;
  return forbidden.includes(given.user) ? 403 : undefined;
}

function credentialsOf({ headers }: IncomingMessage): { user: string; password: string } | undefined {
  const [, encoded] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const [user = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  return { user, password: password.join(':') };
}

/** The host of a CGI program (RFC 3875): the request to its stdin, its stdout to the answer. */
async function serve(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
  { config = {}, old = false }: GitHttpOptions,
  pass: (sent: number) => Promise<void>,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const settings = Object.entries({ 'safe.directory': '*', ...config });
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...SYSTEM_ENV,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_COUNT: String(settings.length),
      ...Object.fromEntries(
        settings.flatMap(([key, value], at) => [
          [`GIT_CONFIG_KEY_${at}`, key],
          [`GIT_CONFIG_VALUE_${at}`, value],
        ]),
      ),
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: old ? '' : String(request.headers['git-protocol'] ?? ''),
      ...(request.headers['content-length'] !== undefined && {
        CONTENT_LENGTH: request.headers['content-length'],
      }),
    },
  });
  response.on('close', () => child.kill());
  child.stdin.on('error', () => {});
  request.pipe(child.stdin);
  let head: Buffer | undefined = Buffer.alloc(0);
  let sent = 0;
  const send = async (bytes: Buffer) => {
    await pass(sent);
    sent += bytes.length;
    if (!response.write(bytes))
      await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
  };
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    if (head === undefined) {
      await send(chunk);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) continue;
    for (const line of head.toString('latin1', 0, end).split('\r\n')) {
      const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
      if (name.toLowerCase() === 'status') response.statusCode = Number(value.slice(0, 3));
      else response.setHeader(name, value);
    }
    const body: Buffer = head.subarray(end + 4);
    head = undefined;
    if (body.length > 0) await send(body);
  }
  response.end();
}
