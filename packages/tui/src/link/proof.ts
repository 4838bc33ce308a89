import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readCertificate, whyNotItsKey } from '@towline/agent/certificate';
import type { AgentDefinition } from '@towline/core/map';
import { err, ok, type Result } from '@towline/core/result';
import { whyUnreadable } from './why-unreadable.ts';

/** What the map file says of how an agent over TCP is known, and how this end shows who it is. */
export type ProofDefinition = Pick<AgentDefinition, 'token' | 'ca' | 'pin' | 'client'>;

/** Where the paths and names of a map file lead. */
export interface ProofPlace {
  /** Relative paths begin at the map file's folder. */
  folder: string;
  home: string;
  env: Readonly<Record<string, string | undefined>>;
}

/** The place of a map file; without one, of what is run here. */
export function proofPlace(mapFile: string | undefined, env: ProofPlace['env']): ProofPlace {
  const folder = mapFile === undefined ? process.cwd() : dirname(resolve(mapFile));
  return { folder, home: env.HOME ?? homedir(), env };
}

/** Everything that can't be read of it, in sentences. */
export async function proofProblems(definition: ProofDefinition, place: ProofPlace): Promise<string[]> {
  const read = [await readToken(definition.token, place), await readProof(definition, place)];
  return read.flatMap((each) => (each.ok ? [] : [each.error.message]));
}

/** How an agent is known, and what this end shows of itself before its token. */
export interface Proof {
  ca?: string;
  pin?: string;
  client?: { cert: string; key: string };
}

/** A token is one line. */
const MAX_TOKEN_BYTES = 4096;

/** Reads the files of the map's `ca`, `client_cert` and `client_key`, and looks whether TLS can do with them. Errors: `agent-unreachable`, which names the file. */
export async function readProof(
  { ca, pin, client }: ProofDefinition,
  place: ProofPlace,
): Promise<Result<Proof>> {
  const read: Proof = pin === undefined ? {} : { pin };
  if (ca !== undefined) {
    const text = await readNamed('ca', pathOf(ca, place));
    if (!text.ok) return text;
    const certificate = readCertificate(text.value);
    if (!certificate.ok) return failed(cantUse('ca', pathOf(ca, place), certificate.error.message));
    read.ca = text.value;
  }
  if (client !== undefined) {
    const paths = { cert: pathOf(client.cert, place), key: pathOf(client.key, place) };
    const cert = await readNamed('client_cert', paths.cert);
    if (!cert.ok) return cert;
    const key = await readNamed('client_key', paths.key);
    if (!key.ok) return key;
    const certificate = readCertificate(cert.value);
    if (!certificate.ok) return failed(cantUse('client_cert', paths.cert, certificate.error.message));
    const against =
      whyOpen(paths.key, await stat(paths.key).catch(() => undefined)) ??
      whyNotItsKey(certificate.value, paths.cert, key.value);
    if (against !== undefined) return failed(cantUse('client_key', paths.key, against));
    read.client = { cert: cert.value, key: key.value };
  }
  return ok(read);
}

/** The token, and where it is from. Errors: `agent-unreachable`, with what to do about the file or the variable. */
export async function readToken(
  token: ProofDefinition['token'],
  place: ProofPlace,
): Promise<Result<{ token: string; from: string }>> {
  if (token === undefined) return failed('The map names no token for this agent, and over TCP it wants one.');
  if ('env' in token) {
    const value = place.env[token.env]?.trim() ?? '';
    return value === ''
      ? failed(`The environment variable ${token.env} has no token in it: set it, or name a file in the map.`)
      : checked(value, `the variable ${token.env}`);
  }
  const path = pathOf(token.file, place);
  try {
    const info = await stat(path);
    const open = whyOpen(path, info);
    if (open !== undefined) return failed(cantUse('token', path, open));
    if (info.size > MAX_TOKEN_BYTES) return failed(`${path} is too long for a token: it is one line.`);
  } catch (error) {
    return failed(cantRead('token', path, error));
  }
  const text = await readNamed('token', path);
  return text.ok ? checked(text.value.trim(), path) : text;
}

/** What would break the header that it is sent in is no token. */
function checked(token: string, from: string): Result<{ token: string; from: string }> {
  return /^[\x21-\x7e]+$/.test(token)
    ? ok({ token, from })
    : failed(`What is in ${from} is no token: it is one word, as \`towline-agent token create\` prints it.`);
}

async function readNamed(key: string, path: string): Promise<Result<string>> {
  try {
    return ok(await readFile(path, 'utf8'));
  } catch (error) {
    return failed(cantRead(key, path, error));
  }
}

function pathOf(file: string, { folder, home }: ProofPlace): string {
  return file === '~' || file.startsWith('~/') ? join(home, file.slice(1)) : resolve(folder, file);
}

/** Who can read a token or a key can do what its owner can. A group may share one; who may write it can put another there. */
function whyOpen(path: string, file: Stats | undefined): string | undefined {
  if (!file?.isFile() || (file.mode & 0o026) === 0) return undefined;
  return `others can ${(file.mode & 0o022) !== 0 ? 'change' : 'read'} it: \`chmod 600 ${path}\``;
}

function cantUse(key: string, path: string, why: string): string {
  return `The ${key} that the map names, ${path}, can't be used: ${why}.`;
}

function cantRead(key: string, path: string, error: unknown): string {
  return `The ${key} that the map names, ${path}, can't be read: ${whyUnreadable(error)}.`;
}

function failed(message: string) {
  return err({ code: 'agent-unreachable', message });
}
