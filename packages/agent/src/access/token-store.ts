import { randomBytes } from 'node:crypto';
import { chown, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Role } from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import { isNotThere, words } from '../store/index.ts';
import {
  hashToken,
  newToken,
  type StoredToken,
  storedTokenSchema,
  TOKEN_NAME_WORDS,
  tokenNameSchema,
  tokenState,
} from './token.ts';

/**
 * Where an agent's tokens are: a file each, so that an agent that reads them, and programs that make and revoke some at the same time,
 * never meet half of one.
 */
export function tokensDir(stateDir: string): string {
  return join(stateDir, 'tokens');
}

const ENDING = '.json';
/** Of as many that had a name before it is known that they were revoked. */
const MAX_FORMER = 20;
/** What is done under a lock takes milliseconds. */
const LOCK_WAIT_MS = 15_000;
const STALE_MS = 10_000;
const LOOK_MS = 10;

export interface TokenRequest {
  name: string;
  role: Role;
  /** Milliseconds since 1970; never unless given. */
  expiresAt?: number | undefined;
}

/**
 * Makes a token and returns it: it is nowhere afterwards but with whom it is given to. A name is one token's at a time; that
 * of a revoked or expired one is free. Errors: `token-name`, `token-exists`, `token-store`.
 */
export async function createToken(
  stateDir: string,
  { name, role, expiresAt }: TokenRequest,
  now: number,
): Promise<Result<string>> {
  return await withName(stateDir, name, async (path) => {
    const before = await readToken(path);
    if (before !== undefined && tokenState(before, now) === 'good') {
      const message = `There is a token "${name}" in ${stateDir} already. Choose another name, or revoke it first: towline-agent token revoke ${name} --state-dir ${stateDir}`;
      return err({ code: 'token-exists', message });
    }
    const token = newToken();
    await write(stateDir, path, {
      name,
      role,
      hash: hashToken(token),
      createdAt: new Date(now).toISOString(),
      ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt).toISOString() }),
      former: before === undefined ? [] : [before.hash, ...before.former].slice(0, MAX_FORMER),
    });
    return ok(token);
  });
}

/** Ends a token for good. True where it was good until now. Errors: `token-name`, `no-such-token`, `token-store`. */
export async function revokeToken(stateDir: string, name: string, now: number): Promise<Result<boolean>> {
  return await withName(stateDir, name, async (path) => {
    const stored = await readToken(path);
    if (stored === undefined) {
      const message = `There is no token "${name}" in ${stateDir}. \`towline-agent token list --state-dir ${stateDir}\` says which there are. An agent with another state folder has its own.`;
      return err({ code: 'no-such-token', message });
    }
    if (stored.revokedAt !== undefined) return ok(false);
    await write(stateDir, path, { ...stored, revokedAt: new Date(now).toISOString() });
    return ok(true);
  });
}

/** All tokens by name, ended ones too. A file that can't be read lets nobody in, and is reported. Never throws. */
export async function readTokens(stateDir: string): Promise<{ tokens: StoredToken[]; problems: string[] }> {
  const dir = tokensDir(stateDir);
  const problems: string[] = [];
  const files = await readdir(dir).catch((error: unknown) => {
    if (!isNotThere(error)) problems.push(`The tokens in ${dir} can't be read: ${words(error)}.`);
    return [];
  });
  const tokens: StoredToken[] = [];
  for (const file of files.toSorted()) {
    if (!file.endsWith(ENDING) || file.startsWith('.')) continue;
    const path = join(dir, file);
    try {
      const stored = await readToken(path);
      if (stored !== undefined && `${stored.name}${ENDING}` === file) tokens.push(stored);
    } catch (error) {
      problems.push(`The token in ${path} lets nobody in, it can't be read: ${words(error)}.`);
    }
  }
  return { tokens, problems };
}

async function readToken(path: string): Promise<StoredToken | undefined> {
  try {
    return storedTokenSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (isNotThere(error)) return undefined;
    throw error;
  }
}

/** Whole, or not at all, and on the disk when it returns. */
async function write(stateDir: string, path: string, stored: StoredToken): Promise<void> {
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(stored)}\n`);
    await file.sync();
    await file.close();
    await giveToAgent(stateDir, draft);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  const folder = await open(dirname(path), 'r');
  await folder.sync().finally(() => folder.close());
}

/** Made by root for an agent that runs as somebody else: it has to be able to read it. */
async function giveToAgent(stateDir: string, path: string): Promise<void> {
  const { uid, gid } = await stat(stateDir);
  if (process.getuid?.() === 0 && uid !== 0) await chown(path, uid, gid);
}

/** Has a name's file for itself meanwhile: of two that find the same, one waits for what the other makes of it. */
async function withName<T>(
  stateDir: string,
  name: string,
  work: (path: string) => Promise<Result<T>>,
): Promise<Result<T>> {
  if (!tokenNameSchema.safeParse(name).success) {
    const message = `"${name}" is no name for a token: ${TOKEN_NAME_WORDS}.`;
    return err({ code: 'token-name', message });
  }
  const dir = tokensDir(stateDir);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await giveToAgent(stateDir, dir);
    const lock = join(dir, `.${name}.lock`);
    const deadline = performance.now() + LOCK_WAIT_MS;
    while (!(await isMade(lock))) {
      await removeStale(lock);
      if (performance.now() > deadline) throw new Error(`another program holds ${lock}`);
      await sleep(LOOK_MS);
    }
    try {
      return await work(join(dir, `${name}${ENDING}`));
    } finally {
      await rm(lock, { force: true });
    }
  } catch (error) {
    return err({
      code: 'token-store',
      message: `The tokens in ${dir} can't be used: ${words(error)}. Run it as the user that the agent runs as, with the agent's --state-dir.`,
    });
  }
}

async function isMade(lock: string): Promise<boolean> {
  try {
    await (await open(lock, 'wx', 0o600)).close();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Takes away the lock of a program that was killed, and no other: one that found it stale as well may have its own there. */
async function removeStale(lock: string): Promise<void> {
  const found = await stat(lock).catch(() => undefined);
  if (found === undefined || Date.now() - found.mtimeMs < STALE_MS) return;
  const aside = `${lock}.${randomBytes(8).toString('hex')}`;
  try {
    await rename(lock, aside);
    if ((await stat(aside)).ino !== found.ino) await link(aside, lock);
  } catch {
    // Another one was faster.
  }
  await rm(aside, { force: true });
}
