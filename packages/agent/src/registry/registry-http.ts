import { err, ok, type Result } from '@towline/core/result';
import * as z from 'zod';
import { parseChallenge } from './challenge.ts';
import type { Credentials } from './credentials.ts';

const REQUEST_TIMEOUT_MS = 10_000;
/** More than any manifest, configuration or page of tags has. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** A token is asked for again this long before it ends. */
const TOKEN_MARGIN_MS = 10_000;
/** What the token protocol says of tokens that do not say how long they live. */
const TOKEN_DEFAULT_S = 60;
/** One for each image; they are asked for again where there are more. */
const MAX_KEPT_TOKENS = 1_000;

export interface Answer {
  status: number;
  headers: Headers;
  body: Uint8Array;
  url: URL;
}

/** One registry, as it is reached. */
export interface Endpoint {
  /** As people write it, for messages. */
  name: string;
  /** `name[:port]` of its API. */
  host: string;
  /** Whether it may be tried without TLS. */
  plain: boolean;
  credentials: Credentials | undefined;
  /** Why there may be credentials that could not be had, where that is so. */
  problem?: string | undefined;
}

export interface RequestOptions {
  method?: 'GET' | 'HEAD';
  accept?: string;
  /** Ends the request early; it then counts as one that was not answered in time. */
  signal?: AbortSignal;
}

const tokenSchema = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().optional(),
});

/** The registries' HTTP: TLS or not, tokens, bounds and time limits. Nothing here knows what a tag is. */
export class RegistryHttp {
  /** By host, once it has answered. */
  readonly #schemes = new Map<string, 'https' | 'http'>();
  readonly #tokens = new Map<string, { value: string; until: number }>();

  /** `target` is a path on the endpoint's host, or a page's address that it gave. Errors: `registry-unavailable`, `registry-denied`. */
  async request(
    endpoint: Endpoint,
    scope: string,
    target: string | URL,
    options: RequestOptions = {},
  ): Promise<Result<Answer>> {
    const known = this.#schemes.get(endpoint.host);
    const schemes: readonly ('https' | 'http')[] = known
      ? [known]
      : endpoint.plain
        ? ['https', 'http']
        : ['https'];
    let failure: unknown;
    for (const scheme of schemes) {
      const url = typeof target === 'string' ? new URL(`${scheme}://${endpoint.host}${target}`) : target;
      try {
        const answer = await this.#authorised(endpoint, scope, url, options);
        this.#schemes.set(endpoint.host, scheme);
        return answer;
      } catch (error) {
        failure = error;
      }
    }
    // It may come back with TLS, or without.
    this.#schemes.delete(endpoint.host);
    return err(unavailable(endpoint, reasonOf(failure)));
  }

  async #authorised(
    endpoint: Endpoint,
    scope: string,
    url: URL,
    options: RequestOptions,
  ): Promise<Result<Answer>> {
    const key = `${endpoint.host} ${scope} ${whose(endpoint.credentials)}`;
    const kept = this.#tokens.get(key);
    const first = await send(url, {
      ...options,
      ...(kept !== undefined && kept.until > Date.now() && { authorization: kept.value }),
    });
    if (first.status !== 401) return accepted(endpoint, first);
    this.#tokens.delete(key);
    const challenge = parseChallenge(first.headers.get('www-authenticate') ?? '');
    if (challenge === undefined)
      return err(denied(endpoint, 'it asks for a kind of login that is not known here'));
    let authorization: string;
    if (challenge.scheme === 'basic') {
      if (endpoint.credentials?.kind !== 'password') return err(denied(endpoint, 'it wants a login'));
      authorization = basic(endpoint.credentials);
    } else {
      const token = await this.#token(endpoint, challenge, scope, url, options.signal);
      if (!token.ok) return token;
      if (this.#tokens.size >= MAX_KEPT_TOKENS) this.#tokens.clear();
      this.#tokens.set(key, token.value);
      authorization = token.value.value;
    }
    const second = await send(url, { ...options, authorization });
    if (second.status === 401) {
      return err(
        denied(endpoint, endpoint.credentials === undefined ? 'it wants a login' : 'it refused the login'),
      );
    }
    return accepted(endpoint, second);
  }

  async #token(
    endpoint: Endpoint,
    challenge: { realm: string; service: string | undefined; scope: string | undefined },
    scope: string,
    asked: URL,
    signal: AbortSignal | undefined,
  ): Promise<Result<{ value: string; until: number }>> {
    const url = URL.parse(challenge.realm);
    if (url === null) return err(denied(endpoint, 'it names no place to get a token from'));
    const { credentials } = endpoint;
    // A registry that is reached over TLS must not talk the password out of it.
    if (credentials !== undefined && asked.protocol === 'https:' && url.protocol !== 'https:') {
      return err(denied(endpoint, `it sends the login to ${url.host} without TLS`));
    }
    let answer: Answer;
    try {
      if (credentials?.kind === 'identity-token') {
        const form = new URLSearchParams({
          grant_type: 'refresh_token',
          service: challenge.service ?? '',
          scope: challenge.scope ?? scope,
          client_id: 'towline',
          refresh_token: credentials.token,
        });
        answer = await send(url, { form, ...(signal && { signal }) });
      } else {
        if (challenge.service !== undefined) url.searchParams.set('service', challenge.service);
        url.searchParams.set('scope', challenge.scope ?? scope);
        answer = await send(url, {
          ...(credentials !== undefined && { authorization: basic(credentials) }),
          ...(signal && { signal }),
        });
      }
    } catch (error) {
      return err(
        unavailable(
          { ...endpoint, name: `${url.host}, which gives the tokens for ${endpoint.name},` },
          reasonOf(error),
        ),
      );
    }
    const parsed = answer.status === 200 ? tokenSchema.safeParse(readJson(answer.body)) : undefined;
    const token = parsed?.data?.token ?? parsed?.data?.access_token;
    if (token === undefined) {
      if (answer.status >= 500) return err(unavailable(endpoint, `${url.host} answered ${answer.status}`));
      return err(denied(endpoint, credentials === undefined ? 'it wants a login' : 'it refused the login'));
    }
    const seconds = parsed?.data?.expires_in ?? TOKEN_DEFAULT_S;
    return ok({ value: `Bearer ${token}`, until: Date.now() + seconds * 1000 - TOKEN_MARGIN_MS });
  }
}

export function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}

function accepted(endpoint: Endpoint, answer: Answer): Result<Answer> {
  if (answer.status === 429) return err(unavailable(endpoint, 'it allows no more requests for now (429)'));
  if (answer.status >= 500) return err(unavailable(endpoint, `it answered ${answer.status}`));
  if (answer.status === 403) return err(denied(endpoint, 'it refused (403)'));
  return ok(answer);
}

function unavailable(endpoint: Pick<Endpoint, 'name'>, reason: string) {
  const message = `The registry ${endpoint.name} can't be used: ${reason}. Check that it runs, and that the agent's machine reaches it.`;
  return { code: 'registry-unavailable', message };
}

function denied(endpoint: Endpoint, reason: string) {
  const advice = endpoint.problem ?? `Run \`docker login ${endpoint.name}\` as the agent's user.`;
  const message = `The registry ${endpoint.name} let nobody in: ${reason}. ${advice}`;
  return { code: 'registry-denied', message };
}

interface Outgoing {
  method?: 'GET' | 'HEAD';
  accept?: string;
  authorization?: string;
  form?: URLSearchParams;
  signal?: AbortSignal;
}

async function send(url: URL, outgoing: Outgoing): Promise<Answer> {
  try {
    return await sendOnce(url, outgoing);
  } catch (error) {
    // A connection that was kept from earlier may be one that the registry has closed by now.
    if (codeOf(error) !== 'ECONNRESET' && codeOf(error) !== 'UND_ERR_SOCKET') throw error;
    return await sendOnce(url, outgoing);
  }
}

async function sendOnce(url: URL, outgoing: Outgoing): Promise<Answer> {
  const late = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const headers = new Headers({ 'user-agent': 'towline-agent' });
  if (outgoing.accept !== undefined) headers.set('accept', outgoing.accept);
  if (outgoing.authorization !== undefined) headers.set('authorization', outgoing.authorization);
  const response = await fetch(url, {
    method: outgoing.form === undefined ? (outgoing.method ?? 'GET') : 'POST',
    headers,
    signal: outgoing.signal === undefined ? late : AbortSignal.any([late, outgoing.signal]),
    ...(outgoing.form !== undefined && { body: outgoing.form }),
  });
  return { status: response.status, headers: response.headers, body: await readBounded(response), url };
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new Error('its answer is larger than any that is expected');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function basic(credentials: Credentials & { kind: 'password' }): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
}

/** A login of somebody else must not be served with this one's token. */
function whose(credentials: Credentials | undefined): string {
  if (credentials === undefined) return '';
  return credentials.kind === 'password' ? credentials.username : 'token';
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const cause = error.cause instanceof Error ? error.cause : error;
  return 'code' in cause ? String(cause.code) : '';
}

/** fetch says `fetch failed`; the reason is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'it did not answer in time';
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = codeOf(error);
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there (connection refused)';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name is not known here';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no way to it';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return 'it broke off the connection';
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'it did not answer in time';
    default:
      return cause.message === '' ? code : cause.message.replace(/\.$/, '');
  }
}
