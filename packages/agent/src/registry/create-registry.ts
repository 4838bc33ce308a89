import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { compareTags, isValidTag, parseReference } from '@towline/core/image';
import type { ImageVersion } from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import * as z from 'zod';
import type { EngineAuth } from '../engine/index.ts';
import { nextPage } from './challenge.ts';
import { lookUpCredentials } from './credentials.ts';
import { mayBePlain } from './insecure.ts';
import type { ImageDefaults, Manifest, Registry } from './registry.ts';
import { type Endpoint, RegistryHttp, readJson } from './registry-http.ts';

export interface RegistryOptions {
  /** Where `config.json` with the logins is; `$DOCKER_CONFIG` or `~/.docker` unless given. */
  configDir?: string;
  /** Hosts and CIDRs that may be talked to without TLS, besides loopback: what the engine lists. Asked for once a host. */
  insecure?: () => Promise<readonly string[]>;
}

const MAX_TAGS = 10_000;
const PAGE = 1_000;
/** Digests are looked up in parallel, as many at a time. */
const LOOKUPS = 8;
/** An engine that is told to trust a registry is restarted for it, and may take a while. */
const PLAIN_KEPT_MS = 10_000;
const MAX_KEPT_HOSTS = 1_000;
/** What is known of a digest never changes; as many are kept. */
const MAX_KEPT_DETAILS = 5_000;

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** The name in references, the host of its API and its name in Docker's configuration differ for this one alone. */
const HUB = { domain: 'docker.io', api: 'registry-1.docker.io', login: 'https://index.docker.io/v1/' };

/** For the tags, or one manifest, with all the requests that it takes. */
const CALL_TIMEOUT_MS = 30_000;
/** For what is beside the tags themselves: those that are not looked up by then are listed by name alone. */
const DETAILS_TIMEOUT_MS = 15_000;

const tagsSchema = z.object({ tags: z.array(z.string()).nullish() });
const digest = z.string().refine(isDigest);
const layer = z.object({ size: z.number().nonnegative().optional() });
const manifestSchema = z.object({
  config: layer.extend({ digest }).optional(),
  layers: z.array(layer).optional(),
  manifests: z
    .array(
      z.object({
        digest,
        platform: z
          .object({ os: z.string(), architecture: z.string(), variant: z.string().optional() })
          .optional(),
      }),
    )
    .optional(),
});
const configSchema = z.object({
  created: z.iso.datetime({ offset: true }).optional().catch(undefined),
  rootfs: z
    .object({ diff_ids: z.array(z.string()) })
    .optional()
    .catch(undefined),
});
const defaultsSchema = z.object({ os: z.string(), architecture: z.string(), config: z.looseObject({}) });

/** Nothing is read or asked before a method is called. */
export function createRegistry(options: RegistryOptions = {}): Registry {
  return new HttpRegistry(options);
}

interface Place {
  endpoint: Endpoint;
  repository: string;
  scope: string;
  /** The image as it was asked for. */
  image: string;
}

class HttpRegistry implements Registry {
  readonly #configDir: string;
  readonly #insecure: () => Promise<readonly string[]>;
  readonly #http = new RegistryHttp();
  readonly #plain = new Map<string, { value: boolean; until: number }>();
  readonly #details = new Map<string, Omit<Manifest, 'digest'>>();

  constructor(options: RegistryOptions) {
    this.#configDir = options.configDir ?? process.env.DOCKER_CONFIG ?? join(homedir(), '.docker');
    this.#insecure = options.insecure ?? (async () => []);
  }

  async tags(image: string): Promise<Result<string[]>> {
    const place = await this.#place(image);
    if (!place.ok) return place;
    return this.#tags(place.value, AbortSignal.timeout(CALL_TIMEOUT_MS));
  }

  async manifest(image: string, tagOrDigest: string, waiting?: AbortSignal): Promise<Result<Manifest>> {
    const place = await this.#place(image);
    if (!place.ok) return place;
    const limit = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const signal = waiting === undefined ? limit : AbortSignal.any([limit, waiting]);
    const digest = await this.#digest(place.value, tagOrDigest, signal);
    if (!digest.ok) return digest;
    return ok({ digest: digest.value, ...(await this.#detailsOf(place.value, digest.value, signal)) });
  }

  async versions(image: string, limit: number) {
    const place = await this.#place(image);
    if (!place.ok) return place;
    const tags = await this.#tags(place.value, AbortSignal.timeout(CALL_TIMEOUT_MS));
    if (!tags.ok) return tags;
    const signal = AbortSignal.timeout(DETAILS_TIMEOUT_MS);
    const newest = tags.value.toSorted((a, b) => compareTags(b, a)).slice(0, limit);
    const versions: ImageVersion[] = newest.map((tag) => ({ tag }));
    let next = 0;
    const worker = async () => {
      for (let at = next++; at < newest.length && !signal.aborted; at = next++) {
        const tag = newest[at];
        if (tag === undefined) continue;
        const digest = await this.#digest(place.value, tag, signal);
        // A tag that went away meanwhile, or one of a kind not known here, is listed by its name alone.
        if (!digest.ok) continue;
        const { size, createdAt } = await this.#detailsOf(place.value, digest.value, signal);
        versions[at] = {
          tag,
          digest: digest.value,
          ...(size !== undefined && { size }),
          ...(createdAt !== undefined && { createdAt }),
        };
      }
    };
    await Promise.all(Array.from({ length: Math.min(LOOKUPS, newest.length) }, worker));
    return ok({ versions, total: tags.value.length });
  }

  async imageDefaults(
    image: string,
    digest: string,
    { os, arch }: { os: string; arch: string },
  ): Promise<ImageDefaults | undefined> {
    const place = await this.#place(image);
    if (!place.ok) return undefined;
    const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const top = await this.#readManifest(place.value, digest, signal);
    const own = top?.manifests?.find(({ platform }) => platform?.os === os && platform.architecture === arch);
    const one = own === undefined ? top : await this.#readManifest(place.value, own.digest, signal);
    const config = one?.config && (await this.#blob(place.value, one.config.digest, signal));
    const parsed = defaultsSchema.safeParse(config);
    if (!parsed.success) return undefined;
    return { os: parsed.data.os, arch: parsed.data.architecture, config: parsed.data.config };
  }

  async engineAuth(image: string): Promise<EngineAuth | undefined> {
    const reference = parseReference(image);
    if (!reference.ok) return undefined;
    const server = loginOf(reference.value.domain);
    // What stood in the way of finding some was told when the tag was looked up, if it mattered.
    const { credentials } = await lookUpCredentials(this.#configDir, server);
    if (credentials === undefined) return undefined;
    return credentials.kind === 'password'
      ? { username: credentials.username, password: credentials.password, serveraddress: server }
      : { identitytoken: credentials.token, serveraddress: server };
  }

  async #place(image: string): Promise<Result<Place>> {
    const reference = parseReference(image);
    if (!reference.ok) return err({ code: 'bad-image', message: reference.error.message });
    const { domain, path } = reference.value;
    const { credentials, problem } = await lookUpCredentials(this.#configDir, loginOf(domain));
    const host = domain === HUB.domain ? HUB.api : domain;
    const plain = await this.#mayBePlain(host);
    const endpoint = { name: domain, host, plain, credentials, problem };
    return ok({ endpoint, repository: path, scope: `repository:${path}:pull`, image });
  }

  async #mayBePlain(host: string): Promise<boolean> {
    const known = this.#plain.get(host);
    if (known !== undefined && known.until > Date.now()) return known.value;
    // Loopback is, whatever the engine lists.
    const value = (await mayBePlain(host, [])) || (await mayBePlain(host, await this.#insecure()));
    if (this.#plain.size >= MAX_KEPT_HOSTS) this.#plain.clear();
    this.#plain.set(host, { value, until: Date.now() + PLAIN_KEPT_MS });
    return value;
  }

  async #tags({ endpoint, repository, scope, image }: Place, signal: AbortSignal): Promise<Result<string[]>> {
    const tags = new Set<string>();
    let page: string | URL | undefined = `/v2/${repository}/tags/list?n=${PAGE}`;
    while (page !== undefined && tags.size < MAX_TAGS) {
      const answer = await this.#http.request(endpoint, scope, page, { signal });
      if (!answer.ok) return answer;
      if (answer.value.status === 404) {
        return err({
          code: 'image-not-found',
          message: `The registry ${endpoint.name} has no image ${image}. Check the image's name in the map.`,
        });
      }
      const parsed =
        answer.value.status === 200 ? tagsSchema.safeParse(readJson(answer.value.body)) : undefined;
      if (parsed?.success !== true) return err(unexpected(endpoint, answer.value.status));
      const before = tags.size;
      for (const tag of parsed.data.tags ?? []) {
        // What is no tag could be chosen by nobody, and could do harm on a screen.
        if (tags.size < MAX_TAGS && isValidTag(tag)) tags.add(tag);
      }
      // A page that brings nothing new would lead in a circle.
      page = tags.size === before ? undefined : nextPage(answer.value.headers.get('link'), answer.value.url);
    }
    return ok([...tags]);
  }

  async #digest(
    { endpoint, repository, scope, image }: Place,
    tagOrDigest: string,
    signal: AbortSignal,
  ): Promise<Result<string>> {
    const path = `/v2/${repository}/manifests/${encodeURIComponent(tagOrDigest)}`;
    const head = await this.#http.request(endpoint, scope, path, { method: 'HEAD', accept: ACCEPT, signal });
    if (!head.ok) return head;
    const told = head.value.headers.get('docker-content-digest');
    if (head.value.status === 200 && told !== null && isDigest(told)) return ok(told);
    // Some registries answer no HEAD, or without the digest: what is hashed is what counts.
    const got = await this.#http.request(endpoint, scope, path, { accept: ACCEPT, signal });
    if (!got.ok) return got;
    if (got.value.status === 404) {
      return err({
        code: 'tag-not-found',
        message: `The registry ${endpoint.name} has no ${image}${tagOrDigest.includes(':') ? '@' : ':'}${tagOrDigest}. Choose a tag that it has.`,
      });
    }
    if (got.value.status !== 200) return err(unexpected(endpoint, got.value.status));
    return ok(`sha256:${createHash('sha256').update(got.value.body).digest('hex')}`);
  }

  /** Size, date and platforms, as far as they can be had: nobody is refused for want of these. */
  async #detailsOf(place: Place, digest: string, signal: AbortSignal): Promise<Omit<Manifest, 'digest'>> {
    // This registry counts every manifest that is read as a pull, and allows few.
    if (place.endpoint.host === HUB.api) return {};
    const known = this.#details.get(digest);
    if (known !== undefined) return known;
    const top = await this.#readManifest(place, digest, signal);
    if (top === undefined) return {};
    const list = top.manifests?.filter(
      (entry) => entry.platform !== undefined && entry.platform.os !== 'unknown',
    );
    const platforms = list?.map(({ platform }) =>
      [platform?.os, platform?.architecture, platform?.variant].filter(Boolean).join('/'),
    );
    const first = list?.[0];
    const one = first === undefined ? top : await this.#readManifest(place, first.digest, signal);
    const size = one?.layers?.reduce((sum, entry) => sum + (entry.size ?? 0), one.config?.size ?? 0);
    const config =
      one?.config && configSchema.safeParse(await this.#blob(place, one.config.digest, signal)).data;
    const createdAt = config?.created;
    const layers = one?.layers?.map(({ size = 0 }, at) => ({ size, diffId: config?.rootfs?.diff_ids[at] }));
    const details = {
      ...(size !== undefined && { size }),
      ...(layers !== undefined && { layers }),
      ...(createdAt !== undefined && { createdAt }),
      ...(platforms !== undefined && { platforms }),
    };
    // One that was cut off in the middle is not the whole of it.
    if (signal.aborted) return details;
    if (this.#details.size >= MAX_KEPT_DETAILS) this.#details.clear();
    this.#details.set(digest, details);
    return details;
  }

  async #readManifest({ endpoint, repository, scope }: Place, digest: string, signal: AbortSignal) {
    const path = `/v2/${repository}/manifests/${digest}`;
    const answer = await this.#http.request(endpoint, scope, path, { accept: ACCEPT, signal });
    if (!answer.ok || answer.value.status !== 200) return undefined;
    return manifestSchema.safeParse(readJson(answer.value.body)).data;
  }

  /** The JSON in it; undefined where it can't be had. */
  async #blob({ endpoint, repository, scope }: Place, digest: string, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#http.request(endpoint, scope, `/v2/${repository}/blobs/${digest}`, { signal });
    return answer.ok && answer.value.status === 200 ? readJson(answer.value.body) : undefined;
  }
}

function isDigest(text: string): boolean {
  return parseReference(`image@${text}`).ok;
}

function loginOf(domain: string): string {
  return domain === HUB.domain ? HUB.login : domain;
}

function unexpected(endpoint: Endpoint, status: number) {
  return {
    code: 'registry-unavailable',
    message: `The registry ${endpoint.name} answered what is not expected (status ${status}). Check that it is a registry.`,
  };
}
