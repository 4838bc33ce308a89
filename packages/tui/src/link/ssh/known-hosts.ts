import { createHash, createHmac, hash, randomBytes } from 'node:crypto';
import { matchesPatternList } from './pattern.ts';

/** A file of known hosts as it was read; one that is not there has no text, as one that can't be read. */
export interface KnownHostsFile {
  path: string;
  text: string;
  /** Why it can't be read though it is there. */
  unread?: string;
}

/** Where an entry stands. */
interface Place {
  path: string;
  /** From 1. */
  line: number;
}

interface Entry extends Place {
  marker: 'revoked' | 'cert-authority' | undefined;
  /** The first field: patterns with commas between them, or one hash. */
  names: string;
  type: string;
  /** As in the file: base64. */
  key: string;
}

/** What the files say of a host's key. */
export type HostKeyVerdict =
  | { verdict: 'known' }
  /** A key that was declared not to be trusted any more. */
  | { verdict: 'revoked'; at: Place }
  /** Others are known of this host. */
  | { verdict: 'differs'; known: { type: string; fingerprint: string; at: Place } }
  /** `authority` is an entry that would speak for certificates of this host, which are not supported. */
  | { verdict: 'unknown'; authority?: Place };

export interface HostName {
  /** The name or address that it is known as. */
  name: string;
  port: number;
}

export const SSH_PORT = 22;

/** What stands in a file for a host: `web-1`, or `[web-1]:2222` where the port is not SSH's own. */
export function knownHostsName({ name, port }: HostName): string {
  return port === SSH_PORT ? name : `[${name}]:${port}`;
}

/** As `ssh-keygen -l` prints it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type that a key names itself; empty where it is none. */
export function keyTypeOf(key: Buffer): string {
  if (key.length < 4) return '';
  const length = key.readUInt32BE(0);
  return length > 64 ? '' : key.toString('latin1', 4, 4 + length);
}

/** What the files say of one host. They are read through once, and once more for its name alone where that matters. */
export class KnownHost {
  readonly #files: readonly KnownHostsFile[];
  readonly #host: HostName;
  readonly #entries: readonly Entry[];
  #byName: KnownHost | undefined;

  constructor(files: readonly KnownHostsFile[], host: HostName) {
    this.#files = files;
    this.#host = host;
    this.#entries = entriesOf(files, knownHostsName(host));
  }

  /**
   * Whether a key is the one that is known of it. One that is revoked anywhere is, also where it is known elsewhere. A host on
   * another port than SSH's is known as well by its name alone, where that has this very key: as OpenSSH.
   */
  judge(key: Buffer): HostKeyVerdict {
    const text = key.toString('base64');
    const revoked = this.#entries.find((entry) => entry.marker === 'revoked' && entry.key === text);
    if (revoked !== undefined) return { verdict: 'revoked', at: placeOf(revoked) };
    const plain = this.#entries.filter(({ marker }) => marker === undefined);
    if (plain.some((entry) => entry.key === text)) return { verdict: 'known' };
    const [other] = plain;
    const found = plain.find(({ type }) => type === keyTypeOf(key)) ?? other;
    if (found !== undefined) {
      const fingerprint = fingerprintOf(Buffer.from(found.key, 'base64'));
      return { verdict: 'differs', known: { type: found.type, fingerprint, at: placeOf(found) } };
    }
    const elsewhere = this.#alone()?.judge(key);
    if (elsewhere?.verdict === 'known' || elsewhere?.verdict === 'revoked') return elsewhere;
    const authority = this.#entries.find(({ marker }) => marker === 'cert-authority');
    return { verdict: 'unknown', ...(authority !== undefined && { authority: placeOf(authority) }) };
  }

  /** The types of the keys that are known of it, each once: it is asked for one of these first. */
  keyTypes(): string[] {
    if (this.#entries.length === 0) return this.#alone()?.keyTypes() ?? [];
    return [...new Set(this.#entries.filter(({ marker }) => marker === undefined).map(({ type }) => type))];
  }

  /** The same by its name, without the port; undefined where it has none that would be written. */
  #alone(): KnownHost | undefined {
    if (this.#host.port === SSH_PORT) return undefined;
    this.#byName ??= new KnownHost(this.#files, { name: this.#host.name, port: SSH_PORT });
    return this.#byName;
  }
}

/** The line of a file of revoked keys that this one is on, from 1; undefined where it is on none. */
export function revokedLine(text: string, key: Buffer): number | undefined {
  const wanted = key.toString('base64');
  const at = text.split('\n').findIndex(
    (line) =>
      !line.startsWith('#') &&
      line
        .trim()
        .split(/[ \t]+/)
        .includes(wanted),
  );
  return at === -1 ? undefined : at + 1;
}

/** A line that makes a host known. */
export function knownHostsLine(host: HostName, key: Buffer, { hashed }: { hashed: boolean }): string {
  const name = knownHostsName(host).toLowerCase();
  const salt = randomBytes(20);
  const first = hashed ? `|1|${salt.toString('base64')}|${hashOf(name, salt).toString('base64')}` : name;
  return `${first} ${keyTypeOf(key)} ${key.toString('base64')}\n`;
}

function entriesOf(files: readonly KnownHostsFile[], name: string): Entry[] {
  const wanted = name.toLowerCase();
  return files
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => entryOf(line, { path, line: index + 1 }) ?? []),
    )
    .filter(({ names }) => isNamed(names, wanted));
}

/** What is no entry is passed over, as OpenSSH does. */
function entryOf(line: string, place: Place): Entry | undefined {
  const words = line.trim().split(/[ \t]+/);
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
  const [names, type, key] = words;
  if (names === undefined || names.startsWith('#') || type === undefined || key === undefined)
    return undefined;
  // The oldest keys (SSH 1) have a number there.
  if (/^\d+$/.test(type)) return undefined;
  switch (marker) {
    case undefined:
      return { ...place, marker, names, type, key };
    case '@revoked':
      return { ...place, marker: 'revoked', names, type, key };
    case '@cert-authority':
      return { ...place, marker: 'cert-authority', names, type, key };
    default:
      return undefined;
  }
}

function isNamed(names: string, wanted: string): boolean {
  if (!names.startsWith('|')) return matchesPatternList(names.toLowerCase().split(','), wanted);
  const [, kind, salt = '', known = ''] = names.split('|');
  if (kind !== '1') return false;
  return hashOf(wanted, Buffer.from(salt, 'base64')).equals(Buffer.from(known, 'base64'));
}

const SHA1_BLOCK = 64;

/**
 * HMAC-SHA1 (RFC 2104) of a name; the salt, its key, has 20 bytes. Of two calls of `hash`: a `Hmac` of Node takes five times as
 * long to be made, and one is made for each line of a file of thousands, for each machine.
 */
function hashOf(name: string, salt: Buffer): Buffer {
  if (salt.length > SHA1_BLOCK) return createHmac('sha1', salt).update(name).digest();
  return padded(salt, 0x5c, padded(salt, 0x36, Buffer.from(name)));
}

function padded(key: Buffer, pad: number, text: Buffer): Buffer {
  const block = Buffer.alloc(SHA1_BLOCK + text.length, pad);
  for (const [at, byte] of key.entries()) block[at] = byte ^ pad;
  text.copy(block, SHA1_BLOCK);
  return hash('sha1', block, 'buffer');
}

function placeOf({ path, line }: Entry): Place {
  return { path, line };
}
