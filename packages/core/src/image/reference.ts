import { err, type Failure, ok, type Result } from '../result/index.ts';

/** An image reference, normalised: `nginx` is `docker.io` and `library/nginx`. */
export interface Reference {
  /** The registry's host, with its port where one is given; `docker.io` where the text names none. */
  domain: string;
  /** The repository in the registry, such as `library/nginx`. */
  path: string;
  tag?: string;
  /** With its algorithm: `sha256:…`. */
  digest?: string;
}

export type ReferenceErrorCode = 'bad-reference';

/** What a reference without a registry means, and the other name of the same registry. */
const DEFAULT_DOMAIN = 'docker.io';
const LEGACY_DEFAULT_DOMAIN = 'index.docker.io';
/** The path of images that belong to nobody: `nginx` is `library/nginx`. */
const OFFICIAL = 'library';

/** The grammar is that of github.com/distribution/reference, regexp.go, so that both sides read alike. */
const DOMAIN =
  /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?$/;
const IPV6_DOMAIN = /^\[[a-fA-F0-9:]+\](?::[0-9]+)?$/;
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const IDENTIFIER = /^(?:sha256:)?[a-f0-9]{64}$/;
/** The algorithms that engines know, and the length of each in hexadecimal digits. */
const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };
/** Longer repositories are refused by registries; the domain does not count. */
const MAX_PATH = 255;
/** Nothing that can be a reference is longer; a text that is gets no grammar run over it. */
const MAX_TEXT = 2_000;

/**
 * Reads a reference as people and engines write it: `nginx`, `shop/web:1.2`, `localhost:5000/web@sha256:…`. A missing
 * tag stays missing; it is not made `latest`.
 *
 * Errors: `bad-reference`, with a sentence that says which part is wrong. 64 hexadecimal digits are refused, with `sha256:`
 * before them too: they are an image's id, and an engine does not take them for a name.
 */
export function parseReference(text: string): Result<Reference, Failure<ReferenceErrorCode>> {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  if (text === '') return bad('The image is empty. Write a name, such as nginx.');
  if (text.length > MAX_TEXT) return bad(`"${shown}" is too long to be an image.`);
  if (/\s/.test(text)) return bad(`"${shown}" has a space in it. An image is one word, such as nginx:1.27.`);
  if (text.includes('://'))
    return bad(`"${shown}" is a URL. Write the image without ${text.split('//')[0]}//.`);
  if (IDENTIFIER.test(text)) {
    return bad(`"${shown}" is an image's id. Write the image's name, such as nginx.`);
  }

  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  if (digest !== undefined && !isValidDigest(digest)) {
    return bad(`"${shown}" has a digest that is none. It looks like sha256: and 64 of 0-9 and a-f.`);
  }
  const colon = named.lastIndexOf(':');
  // A colon before a slash is a port's.
  const tag = colon > named.lastIndexOf('/') ? named.slice(colon + 1) : undefined;
  const name = tag === undefined ? named : named.slice(0, colon);
  if (tag !== undefined && !isValidTag(tag)) {
    return bad(`"${shown}" has a tag that is none. ${TAG_RULE}`);
  }

  const { domain, path } = splitDomain(name);
  if (!DOMAIN.test(domain) && !IPV6_DOMAIN.test(domain)) {
    return bad(`"${shown}" names a registry that is no host: "${domain}". Write host or host:port.`);
  }
  if (/[A-Z]/.test(path)) {
    return bad(
      `"${shown}" has capital letters in its name. Write ${familiarName({ domain, path: path.toLowerCase() })}.`,
    );
  }
  if (!path.split('/').every((part) => PATH_COMPONENT.test(part))) {
    return bad(
      `"${shown}" is no image name. It has parts of a-z and 0-9 between slashes, with single . _ or - inside them.`,
    );
  }
  if (path.length > MAX_PATH) return bad(`"${shown}" is too long: at most ${MAX_PATH} characters.`);
  return ok({ domain, path, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) });
}

/** What a tag may be, as a sentence for people. */
export const TAG_RULE =
  'A tag has at most 128 letters, digits and _ . -, and begins with a letter, a digit or _.';

/** Whether a registry can have the tag. */
export function isValidTag(tag: string): boolean {
  return TAG.test(tag);
}

function bad(message: string): Result<never, Failure<ReferenceErrorCode>> {
  return err({ code: 'bad-reference', message });
}

function isValidDigest(digest: string): boolean {
  const [algorithm = '', hex = '', ...more] = digest.split(':');
  return (
    more.length === 0 &&
    Object.hasOwn(DIGEST_LENGTHS, algorithm) &&
    hex.length === DIGEST_LENGTHS[algorithm] &&
    /^[a-f0-9]+$/.test(hex)
  );
}

/** The rule of `splitDockerDomain`: the first part is a registry if it has a dot, a colon or a capital, or is localhost. */
function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isDomain = namesRegistry(name);
  const domain = isDomain ? first : DEFAULT_DOMAIN;
  const path = isDomain ? name.slice(slash + 1) : name;
  if (domain !== DEFAULT_DOMAIN && domain !== LEGACY_DEFAULT_DOMAIN) return { domain, path };
  return { domain: DEFAULT_DOMAIN, path: path.includes('/') ? path : `${OFFICIAL}/${path}` };
}

/** The whole reference, unabbreviated: `docker.io/library/nginx:1.27`. Parses to the same reference again. */
export function formatReference(reference: Reference): string {
  return `${repositoryOf(reference)}${suffixOf(reference)}`;
}

/** The repository without tag and digest, unabbreviated: two images are one repository's if these are equal. */
export function repositoryOf(reference: Pick<Reference, 'domain' | 'path'>): string {
  return `${reference.domain}/${reference.path}`;
}

/**
 * The repository as people write it, without tag and digest: `nginx` for `docker.io/library/nginx`. Parses to the same
 * repository again.
 */
export function familiarName(reference: Pick<Reference, 'domain' | 'path'>): string {
  const { domain, path } = reference;
  if (domain !== DEFAULT_DOMAIN) return repositoryOf(reference);
  const [owner, name, ...more] = path.split('/');
  if (owner === OFFICIAL && name !== undefined && more.length === 0) return name;
  // Without its registry, a path that begins like a host would be read as one.
  return splitDomain(path).path === path ? path : repositoryOf(reference);
}

function suffixOf({ tag, digest }: Reference): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** Whether the text itself names a registry: `docker.io/shop/web` does, `shop/web` does not and is an engine's own. */
export function namesRegistry(text: string): boolean {
  const slash = text.indexOf('/');
  if (slash < 0) return false;
  const first = text.slice(0, slash);
  return /[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first;
}

/** The first 12 digits of a digest or an id, without its algorithm: what people compare by eye. */
export function shortDigest(digest: string): string {
  return (digest.split(':').at(-1) ?? digest).slice(0, 12);
}
