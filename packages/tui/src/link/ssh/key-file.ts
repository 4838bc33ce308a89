import { readFile, stat } from 'node:fs/promises';
import type { ParsedKey } from 'ssh2';
import { whyUnreadable } from '../why-unreadable.ts';
import type { KeyFile } from './identities.ts';
import { signByKey } from './one-key.ts';
import { parseOne } from './parse-key.ts';
import { type SigningKey, unlockKey } from './unlock-key.ts';

/** Looks at a key file, and asks for no passphrase. `uid` is the user's own number. */
export async function lookAtKeyFile(path: string, uid: number | undefined): Promise<KeyFile> {
  let text: Buffer;
  let mode: number;
  try {
    const found = await stat(path);
    // A pipe would be waited for.
    if (!found.isFile()) return { path, state: 'unusable', reason: 'it is no file' };
    mode = found.mode & 0o777;
    text = await readFile(path);
    // As OpenSSH: what belongs to another is not for this user to protect.
    const others = found.uid === uid && (mode & 0o077) !== 0;
    const parsed = parseOne(text);
    if (parsed instanceof Error && !isLocked(parsed)) {
      const reason = `it holds no private key in a form that is read here; \`ssh-keygen -p -f ${path}\` writes one anew in OpenSSH's`;
      return { path, state: 'unusable', reason };
    }
    if (!(parsed instanceof Error) && !parsed.isPrivateKey()) {
      return { path, state: 'found', blob: blobOf(parsed), secret: false, encrypted: false };
    }
    if (others) return { path, state: 'too-open', mode };
    const encrypted = parsed instanceof Error;
    const header = encrypted ? headerOf(text) : undefined;
    if (header?.cipher === UNREAD_CIPHER) {
      const reason = `it is locked by ${UNREAD_CIPHER}, which is not read here; \`ssh-keygen -p -Z aes256-ctr -f ${path}\` locks it anew`;
      return { path, state: 'unusable', reason };
    }
    const blob = encrypted ? (header?.blob ?? (await publicBeside(path))) : blobOf(parsed);
    return { path, state: 'found', secret: true, encrypted, ...(blob !== undefined && { blob }) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const blob = await publicBeside(path);
      return blob === undefined
        ? { path, state: 'missing' }
        : // The private part is the agent's alone.
          { path, state: 'found', blob, secret: false, encrypted: false };
    }
    return { path, state: 'unusable', reason: whyUnreadable(error) };
  }
}

/** The private key of a file; undefined where it has a passphrase, and this is not it. */
export async function readKeyFile(
  path: string,
  passphrase: string | undefined,
): Promise<SigningKey | undefined> {
  const text = await readFile(path);
  if (passphrase !== undefined) return unlockKey(text, passphrase);
  const key = parseOne(text);
  if (key instanceof Error) return undefined;
  return { blob: blobOf(key), sign: (data, how) => signByKey(key, data, how) };
}

/** The key whose public part this is, base64; undefined where it is of a kind that ssh2 does not know. */
export function publicKey(blob: string): ParsedKey | undefined {
  const parsed = parseOne(Buffer.from(blob, 'base64'));
  return parsed instanceof Error ? undefined : parsed;
}

export function blobOf(key: ParsedKey): string {
  return key.getPublicSSH().toString('base64');
}

function isLocked(error: Error): boolean {
  return /no passphrase given/.test(error.message);
}

async function publicBeside(path: string): Promise<string | undefined> {
  try {
    const parsed = parseOne(await readFile(`${path}.pub`));
    return parsed instanceof Error ? undefined : blobOf(parsed);
  } catch {
    return undefined;
  }
}

/** The one of OpenSSH's ciphers that ssh2 takes for a key's and can't undo: every passphrase would be said to be wrong. */
const UNREAD_CIPHER = 'chacha20-poly1305@openssh.com';

/**
 * What is not encrypted of a private key in OpenSSH's format: its cipher, and its public part, base64, so that a passphrase is
 * asked for only where a machine takes the key. After the magic come cipher, kdf and its options, a count, and the public key.
 */
function headerOf(text: Buffer): { cipher: string; blob: string } | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text.toString('latin1'))?.[1];
  if (body === undefined) return undefined;
  const bytes = Buffer.from(body, 'base64');
  const magic = 'openssh-key-v1\0';
  if (bytes.toString('latin1', 0, magic.length) !== magic) return undefined;
  let at = magic.length;
  const string = () => {
    if (at + 4 > bytes.length) return Buffer.alloc(0);
    const start = at + 4;
    at = start + bytes.readUInt32BE(at);
    return bytes.subarray(start, at);
  };
  const cipher = string().toString('latin1');
  string();
  string();
  at += 4;
  const key = string();
  return key.length === 0 ? undefined : { cipher, blob: key.toString('base64') };
}
