import { lstat, mkdir, unlink } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { err, ok, type Result } from '@towline/core/result';

/** The kernel's limit for a Unix socket's path, less the byte that ends it. */
const MAX_PATH_BYTES = 107;

/**
 * Lets the server listen on a Unix socket that only this user can use (0600; folders that are made for it 0700). The file of
 * an agent that died is replaced; one that somebody answers on is not. Errors: `socket-path`, `socket-in-use`.
 */
export async function listenOnSocket(server: Server, path: string): Promise<Result<void>> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    return err({
      code: 'socket-path',
      message: `The socket's path ${path} is longer than the ${MAX_PATH_BYTES} bytes that a system allows. Choose a shorter one with --socket.`,
    });
  }
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const stale = await clearStale(path);
    if (!stale.ok) return stale;
    await listen(server, path);
    return ok(undefined);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return err({
      code: 'socket-path',
      message: `The agent can't listen on ${path}: ${reason}. Choose another with --socket.`,
    });
  }
}

async function clearStale(path: string): Promise<Result<void>> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return ok(undefined);
  if (!found.isSocket()) {
    return err({
      code: 'socket-path',
      message: `${path} is there already and is no socket. Move it away, or choose another path with --socket.`,
    });
  }
  if (await isAnswered(path)) {
    return err({
      code: 'socket-in-use',
      message: `An agent listens on ${path} already. Use that one, or choose another path with --socket.`,
    });
  }
  // Another agent that found it stale as well may have put its own there.
  const now = await lstat(path).catch(() => undefined);
  if (now?.ino === found.ino) await unlink(path);
  return ok(undefined);
}

/** Whether somebody accepts connections there. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error) => {
      // Busy or forbidden is somebody's all the same.
      resolve(!('code' in error) || (error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'));
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The file is made before this returns: at no time is there one that others may use.
    const before = process.umask(0o177);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
    process.umask(before);
  });
}
