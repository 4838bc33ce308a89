import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '@towline/core/result';
import * as z from 'zod';

/** What the machine's Docker configuration has for a registry. */
export type Credentials =
  | { kind: 'password'; username: string; password: string }
  /** What `docker login` got in place of a password; exchanged for tokens. */
  | { kind: 'identity-token'; token: string };

const authEntrySchema = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});
type AuthEntry = z.infer<typeof authEntrySchema>;

const configSchema = z.object({
  auths: z.record(z.string(), authEntrySchema).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});
type DockerConfig = z.infer<typeof configSchema>;

const helperAnswerSchema = z.object({ Username: z.string(), Secret: z.string() });

const HELPER_TIMEOUT_MS = 10_000;
const MAX_HELPER_OUTPUT = 1024 * 1024;

/** What was found. A problem stands in nobody's way until the registry wants a login. */
export interface Lookup {
  credentials?: Credentials;
  /** Why the configuration, or a helper that it names, could not be asked; a sentence for the operator. */
  problem?: string;
}

/**
 * Looks a registry's credentials up as `docker` does: a helper for this registry, then the store, then `auths`.
 * `server` is the registry as Docker's configuration names it. Read anew each time: a `docker login` counts at once.
 */
export async function lookUpCredentials(configDir: string, server: string): Promise<Lookup> {
  const config = await readConfig(join(configDir, 'config.json'));
  if (!config.ok) return { problem: config.error };
  const { credHelpers, credsStore, auths } = config.value;
  const helper = byServer(credHelpers, server) ?? credsStore;
  const asked = helper ? await askHelper(helper, server) : {};
  if (asked.credentials !== undefined) return asked;
  const credentials = fromEntry(byServer(auths, server));
  return credentials === undefined ? asked : { credentials };
}

function fromEntry(entry: AuthEntry | undefined): Credentials | undefined {
  if (entry === undefined) return undefined;
  if (entry.identitytoken) return { kind: 'identity-token', token: entry.identitytoken };
  if (entry.auth) {
    const text = Buffer.from(entry.auth, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    // Docker pads what it stores with NULs at times.
    if (colon > 0) {
      return {
        kind: 'password',
        username: text.slice(0, colon),
        password: text.slice(colon + 1).replaceAll('\0', ''),
      };
    }
  }
  if (entry.username && entry.password !== undefined) {
    return { kind: 'password', username: entry.username, password: entry.password };
  }
  return undefined;
}

async function readConfig(path: string): Promise<Result<DockerConfig, string>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ok({});
    return err(`The Docker configuration ${path} can't be read; check who may read it.`);
  }
  const parsed = configSchema.safeParse(parseJson(text));
  if (parsed.success) return ok(parsed.data);
  return err(
    `The Docker configuration ${path} is not in the form that Docker writes; log in again to mend it.`,
  );
}

/** Keys are hosts, and in old configurations whole addresses such as `https://host/v1/`. */
function byServer<T>(entries: Readonly<Record<string, T>> | null | undefined, server: string): T | undefined {
  if (!entries) return undefined;
  if (Object.hasOwn(entries, server)) return entries[server];
  const host = hostOf(server);
  const key = Object.keys(entries).find((candidate) => hostOf(candidate) === host);
  return key === undefined ? undefined : entries[key];
}

function hostOf(server: string): string {
  return server.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

/** Runs `docker-credential-<helper> get`; nothing where it knows nothing of this server. */
function askHelper(helper: string, server: string): Promise<Lookup> {
  if (!/^[\w.-]+$/.test(helper)) {
    return Promise.resolve({
      problem: `"${helper}" in the Docker configuration is no credential helper's name.`,
    });
  }
  const program = `docker-credential-${helper}`;
  const named = `The credential helper ${program}, which the Docker configuration names,`;
  return new Promise((resolve) => {
    const child = spawn(program, ['get'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: HELPER_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk: string) => {
      if (output.length < MAX_HELPER_OUTPUT) output += chunk;
    });
    child.once('error', () => resolve({ problem: `${named} can't be run.` }));
    child.once('exit', (_, signal) => {
      // What it started may hold its output open for ever.
      if (signal !== null)
        resolve({ problem: `${named} did not answer within ${HELPER_TIMEOUT_MS / 1000} seconds.` });
    });
    child.once('close', (code) => {
      // It ends with 1 both where it fails and where it has none; either way there is nothing to log in with.
      if (code !== 0) return resolve({});
      const answer = helperAnswerSchema.safeParse(parseJson(output));
      if (!answer.success) return resolve({ problem: `${named} answered what is no credential.` });
      const { Username, Secret } = answer.data;
      resolve({
        credentials:
          Username === '<token>'
            ? { kind: 'identity-token', token: Secret }
            : { kind: 'password', username: Username, password: Secret },
      });
    });
    // It may end without reading.
    child.stdin.on('error', () => {});
    child.stdin.end(server);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
