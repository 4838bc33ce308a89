import { Agent as HttpAgent, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { inspect } from 'node:util';
import { repositoryOf } from '@towline/core/image';
import type { ObservedContainer } from '@towline/core/protocol';
import { err, ok } from '@towline/core/result';
import DockerModem from 'docker-modem';
import * as z from 'zod';
import { askAgain } from './ask-again.ts';
import type {
  ContainerInspect,
  DiskUsage,
  Engine,
  EngineAuth,
  EngineEvent,
  EngineInfo,
  ImageInspect,
  LogOptions,
} from './engine.ts';
import { EngineError } from './engine.ts';
import { describeAddress, type EngineAddress } from './engine-address.ts';
import { reasonOf, refusal, unreachable, wordsOf } from './engine-failure.ts';
import { engineLimits } from './engine-limits.ts';
import { followToEnd } from './follow-to-end.ts';
import { parseImageName } from './image-name.ts';
import { readLogLines } from './log-lines.ts';
import { readNdjson } from './ndjson.ts';
import { observeAgain, observeContainer } from './observe.ts';
import { PullProgress, pullEntrySchema } from './pull-progress.ts';

/** A local engine answers in milliseconds; one that takes this long has a disk or a lock that does not come back. */
const CALL_TIMEOUT_MS = 120_000;
const INFO_TIMEOUT_MS = 5_000;
/** For a stream to begin: an engine that is starting takes connections some time before it answers. */
const OPEN_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;
/** A pull may wait for others, or unpack a large layer, for minutes; one that says nothing for as long does not come back. */
const PULL_SILENCE_MS = 15 * 60_000;
/** No inspect and no list is as large. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Containers are inspected in parallel, as many at a time. */
const INSPECTS = 8;

/**
 * The actions after which something else is observed of a container. Those that come with one of these, such as `kill`
 * and `restart`, are left out: each costs an inspect, and healthchecks alone cause three `exec_…` each.
 */
const CONTAINER_ACTIONS = [
  'create',
  'start',
  'die',
  // Of one that was about to restart: it does not die again.
  'stop',
  'pause',
  'unpause',
  'rename',
  'destroy',
  'health_status',
];

interface Call {
  method?: 'GET' | 'POST' | 'DELETE';
  path: string;
  query?: Readonly<Record<string, string | number | boolean | object>>;
  body?: object;
  auth?: EngineAuth | undefined;
  signal?: AbortSignal | undefined;
  /** For the answer as a whole; 0 for none. */
  timeoutMs?: number;
  /** For the answer to begin. */
  openMs?: number;
}

/** What of docker-modem is used here: it dials, over whatever the address says, and hands over the answer. */
interface Modem {
  dial(options: object, done: (error: unknown, answer: unknown) => void): void;
}

const versionSchema = z.object({
  Version: z.string(),
  ApiVersion: z.string(),
  Os: z.string(),
  Arch: z.string(),
  Components: z.array(z.object({ Name: z.string() })).nullish(),
});
const infoSchema = z.object({
  Name: z.string(),
  DockerRootDir: z.string().optional(),
  RegistryConfig: z
    .object({
      InsecureRegistryCIDRs: z.array(z.string()).nullish(),
      IndexConfigs: z.record(z.string(), z.object({ Secure: z.boolean() })).nullish(),
    })
    .nullish(),
  SecurityOptions: z.array(z.string()).nullish(),
});
const networkSchema = z.object({ Driver: z.string() });
const createdSchema = z.object({ Id: z.string(), Warnings: z.array(z.string()).nullish() });
/** What is relied on; all else of an inspect is kept as it came. */
const containerInspectSchema = z.looseObject({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  Created: z.string(),
  State: z.looseObject({
    Status: z.string(),
    Running: z.boolean(),
    ExitCode: z.number(),
    StartedAt: z.string(),
    FinishedAt: z.string(),
  }),
  Config: z.looseObject({
    Image: z.string(),
    Tty: z.boolean(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
  HostConfig: z.looseObject({}),
  NetworkSettings: z.looseObject({}),
});
const imageInspectSchema = z.looseObject({
  Id: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  RepoDigests: z.array(z.string()).nullish(),
});
const imagesSchema = z.array(
  z.object({
    Id: z.string(),
    RepoTags: z.array(z.string()).nullish(),
    RepoDigests: z.array(z.string()).nullish(),
    /** Seconds since 1970. */
    Created: z.number(),
    Size: z.number(),
  }),
);
const diskUsageSchema = z.object({
  /** Below 0 where it was not counted. */
  Images: z.array(z.object({ Id: z.string(), SharedSize: z.number().default(-1) })).nullish(),
  Containers: z
    .array(z.object({ Id: z.string(), ImageID: z.string(), SizeRw: z.number().nullish() }))
    .nullish(),
});
const listedSchema = z.array(z.object({ Id: z.string() }));
const eventSchema = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).nullish() }),
  timeNano: z.number(),
});

function imageId(id: string): string {
  return id.startsWith('sha256:') ? id : `sha256:${id}`;
}

/** An `Engine` on Docker's API. Nothing is dialled before a method is called. */
export function createDockerEngine(address: EngineAddress): Engine {
  return new DockerEngine(address);
}

class DockerEngine implements Engine {
  readonly #modem: Modem;
  readonly #where: string;

  constructor(address: EngineAddress) {
    this.#modem = new DockerModem(modemOptions(address));
    this.#where = describeAddress(address);
  }

  async info() {
    try {
      const timeoutMs = INFO_TIMEOUT_MS;
      const [version, info] = await Promise.all([
        this.#json({ path: '/version', timeoutMs }, versionSchema),
        this.#json({ path: '/info', timeoutMs }, infoSchema),
      ]);
      const indexes = Object.entries(info.RegistryConfig?.IndexConfigs ?? {});
      const found: EngineInfo = {
        name: info.Name,
        version: version.Version,
        apiVersion: version.ApiVersion,
        os: version.Os,
        arch: version.Arch,
        rootDir: info.DockerRootDir,
        insecureRegistries: [
          ...(info.RegistryConfig?.InsecureRegistryCIDRs ?? []),
          ...indexes.flatMap(([host, index]) => (index.Secure ? [] : [host])),
        ],
        rootless: info.SecurityOptions?.includes('name=rootless') ?? false,
        limits: engineLimits((version.Components ?? []).map(({ Name }) => Name)),
      };
      return ok(found);
    } catch (error) {
      const failure = this.#toEngineError(error);
      return err({
        code: failure.code === 'unreachable' ? 'engine-unreachable' : 'engine',
        message: failure.message,
      });
    }
  }

  async ping(timeoutMs: number) {
    await this.#done({ path: '/_ping', timeoutMs });
  }

  async listContainers() {
    /** Many containers may share an image. */
    const images = new Map<string, Promise<ImageInspect | undefined>>();
    const imageOf = (id: string) => {
      const image = images.get(id) ?? this.inspectImage(id);
      images.set(id, image);
      return image;
    };
    return await this.#ofEach(async (container) =>
      observeContainer(container, await imageOf(container.Image)),
    );
  }

  async inspectContainers() {
    return await this.#ofEach(async (container) => container);
  }

  /** What becomes of each container, some at a time. */
  async #ofEach<T>(use: (container: ContainerInspect) => Promise<T>): Promise<T[]> {
    const listed = await this.#list({ path: '/containers/json', query: { all: true } }, listedSchema);
    const made: (T | undefined)[] = new Array(listed.length).fill(undefined);
    let next = 0;
    const worker = async () => {
      for (let at = next++; at < listed.length; at = next++) {
        const container = await this.inspectContainer(listed[at]?.Id ?? '');
        // One that was removed between the list and its inspect is not there any more.
        if (container !== undefined) made[at] = await use(container);
      }
    };
    await Promise.all(Array.from({ length: Math.min(INSPECTS, listed.length) }, worker));
    return made.filter((each) => each !== undefined);
  }

  async observe(nameOrId: string, before?: ObservedContainer) {
    const container = await this.inspectContainer(nameOrId);
    if (container === undefined) return undefined;
    if (before?.id === container.Id) return observeAgain(container, before);
    return observeContainer(container, await this.inspectImage(container.Image));
  }

  async inspectContainer(nameOrId: string) {
    return this.#find<ContainerInspect>(
      { path: `/containers/${encodeURIComponent(nameOrId)}/json` },
      containerInspectSchema,
    );
  }

  async imageLayers() {
    const images = await this.#list({ path: '/images/json' }, z.array(z.object({ Id: z.string() })));
    const layers = new Set<string>();
    for (const { Id } of images) {
      for (const layer of (await this.inspectImage(Id))?.RootFS?.Layers ?? []) layers.add(layer);
    }
    return layers;
  }

  async diskUsage(): Promise<DiskUsage> {
    const [listed, { Images, Containers }] = await Promise.all([
      this.#list({ path: '/images/json' }, imagesSchema),
      this.#list({ path: '/system/df' }, diskUsageSchema),
    ]);
    // Podman counts images without their names, and writes ids in two ways.
    const shared = new Map((Images ?? []).map(({ Id, SharedSize }) => [imageId(Id), SharedSize]));
    return {
      images: listed.map(({ Id, RepoTags, RepoDigests, Created, Size }) => ({
        id: imageId(Id),
        names: [...(RepoTags ?? []), ...(RepoDigests ?? [])].filter((name) => !name.includes('<none>')),
        createdAt: new Date(Created * 1000).toISOString(),
        ownBytes: Math.max(0, Size - Math.max(0, shared.get(imageId(Id)) ?? 0)),
      })),
      containers: (Containers ?? []).map(({ Id, ImageID, SizeRw }) => ({
        id: Id,
        imageId: imageId(ImageID),
        ownBytes: SizeRw ?? 0,
      })),
    };
  }

  async inspectImage(ref: string) {
    return this.#find<ImageInspect>({ path: `/images/${imagePath(ref)}/json` }, imageInspectSchema);
  }

  async createContainer(name: string, request: object) {
    const created = await this.#json(
      { method: 'POST', path: '/containers/create', query: { name }, body: request },
      createdSchema,
    );
    return { id: created.Id, warnings: created.Warnings ?? [] };
  }

  async startContainer(id: string) {
    await this.#done({ method: 'POST', path: `/containers/${encodeURIComponent(id)}/start` });
  }

  async stopContainer(id: string, options: { timeout?: number } = {}) {
    // No bound of ours: a container's own stop timeout may be hours.
    const query = options.timeout === undefined ? {} : { t: options.timeout };
    await this.#done({
      method: 'POST',
      path: `/containers/${encodeURIComponent(id)}/stop`,
      query,
      timeoutMs: 0,
    });
  }

  async renameContainer(id: string, name: string) {
    await this.#done({
      method: 'POST',
      path: `/containers/${encodeURIComponent(id)}/rename`,
      query: { name },
    });
  }

  async removeContainer(id: string, options: { force?: boolean } = {}) {
    const query = { v: false, force: options.force ?? false };
    await this.#done({ method: 'DELETE', path: `/containers/${encodeURIComponent(id)}`, query });
  }

  async setRestartPolicy(id: string, policy: { Name: string; MaximumRetryCount?: number }) {
    const body = { RestartPolicy: policy };
    await this.#done({ method: 'POST', path: `/containers/${encodeURIComponent(id)}/update`, body });
  }

  async connectNetwork(network: string, id: string, endpoint: object = {}) {
    const body = { Container: id, EndpointConfig: endpoint };
    await this.#done({ method: 'POST', path: `/networks/${encodeURIComponent(network)}/connect`, body });
  }

  async disconnectNetwork(network: string, id: string, options: { force?: boolean } = {}) {
    const body = { Container: id, Force: options.force ?? false };
    await this.#done({ method: 'POST', path: `/networks/${encodeURIComponent(network)}/disconnect`, body });
  }

  async networkDriver(name: string) {
    const found = await this.#find<z.infer<typeof networkSchema>>(
      { path: `/networks/${encodeURIComponent(name)}` },
      networkSchema,
    );
    return found?.Driver;
  }

  async ensureNetwork(name: string) {
    const found = await this.#find({ path: `/networks/${encodeURIComponent(name)}` }, z.looseObject({}));
    if (found !== undefined) return;
    try {
      const body = { Name: name, CheckDuplicate: true };
      await this.#done({ method: 'POST', path: '/networks/create', body });
    } catch (error) {
      // Somebody else made it in between.
      if (error instanceof EngineError && error.code === 'conflict') return;
      throw error;
    }
  }

  async pull(ref: string, options: Parameters<Engine['pull']>[1] = {}) {
    const { onProgress, signal, auth } = options;
    const name = parseImageName(ref);
    if (name === undefined) return err({ code: 'pull-failed', message: `"${ref}" is not an image's name.` });
    // Without a tag the engine would pull every tag there is.
    const query = { fromImage: repositoryOf(name), tag: name.digest ?? name.tag ?? 'latest' };
    const failed = (message: string) =>
      err({ code: 'pull-failed', message: `Pulling ${ref} failed: ${message}` });
    const progress = new PullProgress();
    const silent = new AbortController();
    const silence = setTimeout(
      () => silent.abort(new Error(`the engine said nothing for ${PULL_SILENCE_MS / 60_000} minutes`)),
      PULL_SILENCE_MS,
    );
    const either = signal === undefined ? silent.signal : AbortSignal.any([signal, silent.signal]);
    try {
      const answer = await this.#dial({
        method: 'POST',
        path: '/images/create',
        query,
        auth,
        signal: either,
        timeoutMs: 0,
      });
      for await (const value of readNdjson(answer)) {
        silence.refresh();
        const entry = pullEntrySchema.safeParse(value);
        if (!entry.success) continue;
        const problem = PullProgress.errorOf(entry.data);
        // Leaving the loop ends the stream.
        if (problem !== undefined) return failed(problem);
        const now = progress.add(entry.data);
        onProgress?.(now.current, now.total, now.detail);
      }
      return ok(undefined);
    } catch (error) {
      if (signal?.aborted) return err({ code: 'cancelled', message: `Pulling ${ref} was cancelled.` });
      if (silent.signal.aborted) return failed(wordsOf(silent.signal.reason));
      const failure = this.#toEngineError(error);
      if (failure.code === 'unreachable')
        return err({ code: 'engine-unreachable', message: failure.message });
      return failed(failure.message);
    } finally {
      clearTimeout(silence);
    }
  }

  async tailLogs(id: string, lines: number) {
    const found: string[] = [];
    const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
    for await (const line of this.logs(id, { follow: false, tail: lines, signal })) found.push(line.line);
    return found;
  }

  async *logs(id: string, options: LogOptions) {
    const { follow, signal } = options;
    let followed = false;
    try {
      const container = await this.inspectContainer(id);
      if (container === undefined) throw new EngineError('not-found', `There is no container "${id}".`, 404);
      const read = (which: Partial<LogOptions>) => this.#readLog(container, { ...options, ...which });
      if (!follow) return yield* read({});
      followed = true;
      yield* followToEnd({
        run: async () => {
          const now = await this.inspectContainer(container.Id);
          return now?.State.Running === true ? now.State.StartedAt : undefined;
        },
        grows: () => read({}),
        written: (since = options.since) => read({ follow: false, since }),
      });
    } catch (error) {
      if (signal.aborted) return;
      const failure = this.#toEngineError(error);
      // One that is removed when it ends takes its log with it.
      if (followed && failure.code === 'not-found') return;
      throw failure;
    }
  }

  async *#readLog(container: ContainerInspect, options: LogOptions) {
    const { follow, tail, since, signal } = options;
    const which = since === undefined ? { tail } : { since, tail: 'all' };
    const query = { stdout: true, stderr: true, timestamps: true, follow, ...which };
    const path = `/containers/${encodeURIComponent(container.Id)}/logs`;
    const answer = await this.#dial({ path, query, signal, timeoutMs: 0 });
    yield* readLogLines(answer, container.Config.Tty);
  }

  async *events(signal: AbortSignal, onOpen?: () => void) {
    const query = { filters: { type: ['container'], event: CONTAINER_ACTIONS } };
    try {
      const answer = await this.#dial({
        path: '/events',
        query,
        signal,
        timeoutMs: 0,
        openMs: OPEN_TIMEOUT_MS,
      });
      // A connection that nothing comes over for hours must be found dead all the same.
      answer.socket.setKeepAlive(true, KEEP_ALIVE_MS);
      onOpen?.();
      for await (const value of readNdjson(answer)) {
        const parsed = eventSchema.safeParse(value);
        if (!parsed.success) continue;
        const { Action, Actor, timeNano } = parsed.data;
        const found: EngineEvent = {
          action: Action,
          id: Actor.ID,
          attributes: Actor.Attributes ?? {},
          timeNano,
        };
        yield found;
      }
    } catch (error) {
      if (signal.aborted) return;
      throw this.#toEngineError(error);
    }
    if (!signal.aborted) throw this.#unreachable('it closed the stream of its events');
  }

  /** Undefined where there is none. What was checked is the engine's own answer, unknown fields included. */
  async #find<T>(call: Call, schema: z.ZodType): Promise<T | undefined> {
    try {
      const answer = await askAgain(() => this.#read(call));
      check(call, schema, answer);
      return answer as T;
    } catch (error) {
      if (error instanceof EngineError && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  async #list<T>(call: Call, schema: z.ZodType<T>): Promise<T> {
    return await askAgain(() => this.#json(call, schema));
  }

  async #json<T>(call: Call, schema: z.ZodType<T>): Promise<T> {
    return check(call, schema, await this.#read(call));
  }

  /** What it answers is not looked at: Podman says `OK` where others say nothing. */
  async #done(call: Call): Promise<void> {
    await this.#readText(call);
  }

  async #read(call: Call): Promise<unknown> {
    const text = await this.#readText(call);
    try {
      return text === '' ? undefined : parseJson(call, text);
    } catch (error) {
      throw this.#toEngineError(error);
    }
  }

  async #readText(call: Call): Promise<string> {
    try {
      const answer = await this.#dial(call);
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of answer) {
        length += chunk.length;
        if (length > MAX_ANSWER_BYTES)
          throw new EngineError('engine', `The engine's answer to ${call.path} is too large.`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString('utf8').trim();
    } catch (error) {
      throw this.#toEngineError(error);
    }
  }

  /**
   * Dials and hands over the answer's stream. Everything is read as a stream here: docker-modem's own reading waits for
   * ever when the engine dies in the middle of an answer, and a job would wait with it.
   */
  #dial(call: Call): Promise<IncomingMessage> {
    const { signal, timeoutMs = CALL_TIMEOUT_MS, openMs = 0 } = call;
    const ended = new AbortController();
    const late = () => ended.abort(new DOMException('it did not answer in time', 'TimeoutError'));
    const stop = () => ended.abort(signal?.reason);
    const timers = [timeoutMs, openMs].map((ms) => (ms > 0 ? setTimeout(late, ms) : undefined));
    const settled = () => {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    };
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
    const options = {
      path: `${call.path}?`,
      method: call.method ?? 'GET',
      options: { _query: call.query ?? {}, _body: call.body ?? {} },
      isStream: true,
      ...(call.auth !== undefined && { authconfig: call.auth }),
      abortSignal: ended.signal,
      statusCodes: { 200: true, 201: true, 204: true, 304: true },
    };
    return new Promise((resolve, reject) => {
      if (ended.signal.aborted) {
        settled();
        reject(ended.signal.reason);
        return;
      }
      this.#modem.dial(options, (error, answer) => {
        if (!(answer instanceof IncomingMessage)) {
          settled();
          reject(ended.signal.aborted ? ended.signal.reason : error);
          return;
        }
        clearTimeout(timers[1]);
        // The signal ends a request only; its answer, which may go on for hours, is ended here.
        ended.signal.addEventListener('abort', () => answer.destroy(ended.signal.reason), { once: true });
        answer.once('close', settled);
        resolve(answer);
      });
    });
  }

  #toEngineError(error: unknown): EngineError {
    if (error instanceof EngineError) return error;
    const status = statusOf(error);
    const message = wordsOf(error);
    if (status !== undefined) {
      // docker-modem wraps the engine's sentence: `(HTTP code 404) unexpected - No such container: x `.
      const sentence = /^\(HTTP code \d+\) .*? - ([\s\S]*)$/.exec(message)?.[1]?.trim() ?? message;
      return refusal(status, sentence);
    }
    return this.#unreachable(reasonOf(error, message));
  }

  #unreachable(reason: string): EngineError {
    return unreachable(reason, this.#where);
  }
}

function modemOptions(address: EngineAddress): DockerModem.ConstructorOptions {
  // docker-modem reads DOCKER_HOST whatever it is told; what is undefined here takes that away again.
  const nothing = { socketPath: undefined, host: undefined, port: undefined };
  const noTls = { ca: undefined, cert: undefined, key: undefined };
  // A connection per call: one kept from before the engine's restart would fail the first call after it.
  const options = { keepAlive: false };
  if (address.kind === 'socket') {
    return {
      ...nothing,
      ...noTls,
      socketPath: address.path,
      protocol: 'http',
      agent: unprinted(new HttpAgent(options)),
    };
  }
  const { host, port, tls } = address;
  return tls === undefined
    ? { ...nothing, ...noTls, host, port, protocol: 'http', agent: unprinted(new HttpAgent(options)) }
    : { ...nothing, ...tls, host, port, protocol: 'https', agent: unprinted(new HttpsAgent(options)) };
}

/**
 * docker-modem prints each request for its debug log before it asks whether anybody reads it, with all that hangs on the
 * agent: every open connection. With two streams open that was 3.4 ms of processor for a call that takes 0.2.
 */
function unprinted<A extends HttpAgent>(agent: A): A {
  return Object.defineProperty(agent, inspect.custom, { value: () => 'Agent' });
}

function parseJson(call: Call, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new EngineError('engine', `The engine's answer to ${call.path} is not JSON.`);
  }
}

function check<T>(call: Call, schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const at = issue?.path.join('.') ?? '';
  throw new EngineError(
    'engine',
    `The engine's answer to ${call.path} has not the form that is expected, at "${at}": ${issue?.message ?? ''}`,
  );
}

/** Slashes stay: the engine's route takes a name with them. */
function imagePath(ref: string): string {
  return ref.split('/').map(encodeURIComponent).join('/');
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}
