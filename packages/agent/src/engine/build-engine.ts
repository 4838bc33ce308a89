import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Duplex, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Failure, Result } from '@towline/core/result';
import { err, ok } from '@towline/core/result';
import * as z from 'zod';
import { askAgain } from './ask-again.ts';
import type { EngineAuth } from './engine.ts';
import { describeAddress, type EngineAddress } from './engine-address.ts';
import { refusal, toEngineError } from './engine-failure.ts';
import { framePieces } from './log-lines.ts';
import { readNdjson } from './ndjson.ts';
import { PushProgress, type PushReceipt, pushEntrySchema } from './push-progress.ts';

/** For an engine that does nothing else for it. */
const PING_TIMEOUT_MS = 10_000;
/** For the engine to begin an answer that is no stream. */
const ANSWER_TIMEOUT_MS = 120_000;
/** The engine tries a layer again and again with pauses of up to a minute; one that says nothing for as long is dead. */
const PUSH_SILENCE_MS = 15 * 60_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export interface OutputPiece {
  stream: 'stdout' | 'stderr';
  /** Of any length; not whole lines. Its own only until the next one is asked for. */
  bytes: Uint8Array;
}

export interface BuildRequest {
  /** As `POST /build` has it; a list is repeated. */
  query: Readonly<Record<string, string | readonly string[]>>;
  headers?: Readonly<Record<string, string>>;
  /** The context, a tar; none where the session serves it. */
  body?: Readable;
  signal: AbortSignal;
}

export interface PushOptions {
  /** Bytes so far over all layers that are sent, of how many as far as they are known, and the engine's last word. */
  onProgress?: (current: number, total: number | undefined, detail: string) => void;
  signal?: AbortSignal;
  auth?: EngineAuth | undefined;
}

export interface LabelledContainer {
  id: string;
  labels: Readonly<Record<string, string>>;
}

/**
 * What builds ask of an engine besides `Engine`. Methods reject with `EngineError`, and with nothing else, except that
 * they reject with the signal's reason where it was aborted.
 */
export interface BuildEngine {
  /** Returns once the engine answers. `/info` would start two programs for its answer. */
  ping(): Promise<void>;
  /** All containers with a label, running or not. */
  containersWith(label: string): Promise<LabelledContainer[]>;
  /** Its output from the start, where it is called before the start. The container waits for a slow reader. */
  attach(id: string, signal: AbortSignal): Promise<AsyncIterable<OutputPiece>>;
  /** The exit is noticed from the first promise's fulfilment on; the second one is the exit code. */
  wait(id: string, signal: AbortSignal): Promise<{ exited: Promise<number> }>;
  /** Kills it where it runs, and removes it with its anonymous volumes. One that is gone is no error. */
  discardContainer(id: string): Promise<void>;
  /** A connection on which the engine speaks HTTP/2 to us, as its client. */
  openSession(
    headers: Readonly<Record<string, string | readonly string[]>>,
    signal: AbortSignal,
  ): Promise<Duplex>;
  /** The entries of a build, from the engine's answer. An `error` entry is for the reader. */
  build(request: BuildRequest): Promise<AsyncIterable<unknown>>;
  /** By the `buildid` that the build was asked for with. */
  cancelBuild(buildId: string): Promise<void>;
  /** Gives an image, by its id, another name. */
  tagImage(id: string, name: string, tag: string): Promise<void>;
  /** Removes an image, or one name of it, and no other with it. False where it is in use; one that is gone is no error. */
  removeImage(ref: string): Promise<boolean>;
  /** Removes what BuildKit keeps, all of it or down to `keepBytes`. Returns the bytes that it was. */
  pruneBuildCache(keepBytes?: number): Promise<number>;
  /**
   * Pushes a name with a tag, and reads the engine's stream to its end. Errors: `push-denied`, `push-failed`,
   * `registry-unavailable`, `cancelled`, `engine-unreachable`; the message is the engine's.
   */
  push(ref: string, options?: PushOptions): Promise<Result<PushReceipt>>;
}

const listedSchema = z.array(
  z.object({ Id: z.string(), Labels: z.record(z.string(), z.string()).nullish() }),
);
const waitedSchema = z.object({ StatusCode: z.number() });
const messageSchema = z.object({ message: z.string() });
const prunedSchema = z.object({ SpaceReclaimed: z.number().nullish() });

interface Call {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  query?: Readonly<Record<string, string | readonly string[]>>;
  headers?: Readonly<Record<string, string | readonly string[]>>;
  body?: Readable | undefined;
  signal?: AbortSignal | undefined;
}

/** A `BuildEngine` on Docker's API. Nothing is dialled before a method is called. */
export function createBuildEngine(address: EngineAddress): BuildEngine {
  return new DockerBuildEngine(address);
}

class DockerBuildEngine implements BuildEngine {
  readonly #address: EngineAddress;
  readonly #where: string;

  constructor(address: EngineAddress) {
    this.#address = address;
    this.#where = describeAddress(address);
  }

  async ping() {
    await this.#tell(undefined, async () => {
      await readText(await this.#open({ method: 'GET', path: '/_ping' }, PING_TIMEOUT_MS));
    });
  }

  async containersWith(label: string) {
    const query = { all: '1', filters: JSON.stringify({ label: [label] }) };
    const call = { method: 'GET', path: '/containers/json', query } as const;
    const listed = await askAgain(() => this.#json(call, listedSchema));
    return listed.map(({ Id, Labels }) => ({ id: Id, labels: Labels ?? {} }));
  }

  async attach(id: string, signal: AbortSignal) {
    const query = { stream: '1', stdout: '1', stderr: '1' };
    const path = `/containers/${encodeURIComponent(id)}/attach`;
    const headers = { Connection: 'Upgrade', Upgrade: 'tcp' };
    const socket = await this.#upgrade({ method: 'POST', path, query, headers, signal });
    return this.#told(signal, outputOf(socket));
  }

  async wait(id: string, signal: AbortSignal) {
    const path = `/containers/${encodeURIComponent(id)}/wait`;
    const query = { condition: 'next-exit' };
    const answer = await this.#open({ method: 'POST', path, query, signal }, 0);
    const exited = this.#tell(signal, async () => {
      const value = JSON.parse(await readText(answer)) as unknown;
      return waitedSchema.parse(value).StatusCode;
    });
    // Whoever gives the container up before has no use for it.
    exited.catch(() => undefined);
    return { exited };
  }

  async discardContainer(id: string) {
    const query = { force: '1', v: '1' };
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#done({ method: 'DELETE', path: `/containers/${encodeURIComponent(id)}`, query });
        return;
      } catch (error) {
        const status = toEngineError(error, this.#where).statusCode;
        if (status === 404) return;
        // 409: it is being removed already; 500: its processes are not gone yet.
        if ((status !== 409 && status !== 500) || attempt === 10) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100 * attempt));
      }
    }
  }

  async openSession(headers: Readonly<Record<string, string | readonly string[]>>, signal: AbortSignal) {
    const upgrade = { ...headers, Connection: 'Upgrade', Upgrade: 'h2c' };
    return await this.#upgrade({ method: 'POST', path: '/session', headers: upgrade, signal });
  }

  async build({ query, headers = {}, body, signal }: BuildRequest) {
    const type = { 'Content-Type': 'application/x-tar' };
    const answer = await this.#open(
      { method: 'POST', path: '/build', query, headers: { ...type, ...headers }, body, signal },
      0,
    );
    return this.#told(signal, readNdjson(answer));
  }

  async cancelBuild(buildId: string) {
    await this.#done({ method: 'POST', path: '/build/cancel', query: { id: buildId } });
  }

  async tagImage(id: string, name: string, tag: string) {
    const path = `/images/${encodeURIComponent(id)}/tag`;
    await this.#done({ method: 'POST', path, query: { repo: name, tag } });
  }

  async removeImage(ref: string) {
    const path = `/images/${ref.split('/').map(encodeURIComponent).join('/')}`;
    try {
      await this.#done({ method: 'DELETE', path, query: { noprune: '1' } });
      return true;
    } catch (error) {
      const status = toEngineError(error, this.#where).statusCode;
      if (status === 404) return true;
      if (status === 409) return false;
      throw error;
    }
  }

  async pruneBuildCache(keepBytes?: number) {
    const keep: Record<string, string> =
      keepBytes === undefined ? { all: '1' } : { 'keep-storage': String(keepBytes) };
    const pruned = await this.#json({ method: 'POST', path: '/build/prune', query: keep }, prunedSchema);
    return pruned.SpaceReclaimed ?? 0;
  }

  async push(ref: string, options: PushOptions = {}): Promise<Result<PushReceipt>> {
    const { onProgress, signal, auth } = options;
    const { repository, tag } = splitTag(ref);
    if (tag === undefined) return err({ code: 'push-failed', message: `"${ref}" has no tag to push.` });
    const silent = new AbortController();
    const silence = setTimeout(
      () => silent.abort(new Error(`the engine said nothing for ${PUSH_SILENCE_MS / 60_000} minutes`)),
      PUSH_SILENCE_MS,
    );
    const either = signal === undefined ? silent.signal : AbortSignal.any([signal, silent.signal]);
    const progress = new PushProgress();
    try {
      const answer = await this.#open(
        {
          method: 'POST',
          path: `/images/${repository.split('/').map(encodeURIComponent).join('/')}/push`,
          query: { tag },
          headers: { 'X-Registry-Auth': registryHeader(auth ?? {}) },
          signal: either,
        },
        0,
      );
      for await (const value of readNdjson(answer)) {
        silence.refresh();
        const entry = pushEntrySchema.safeParse(value);
        if (!entry.success) continue;
        const problem = PushProgress.errorOf(entry.data);
        if (problem !== undefined) return err(pushFailure(ref, problem));
        const now = progress.add(entry.data);
        onProgress?.(now.current, now.total, now.detail);
      }
      const { receipt } = progress;
      // The engine says what it pushed, last of all: a stream that ended without was cut short.
      if (receipt === undefined)
        return err({ code: 'push-failed', message: `Pushing ${ref} broke off: the engine named no digest.` });
      return ok(receipt);
    } catch (error) {
      if (signal?.aborted) return err({ code: 'cancelled', message: `Pushing ${ref} was cancelled.` });
      const failure = toEngineError(silent.signal.aborted ? silent.signal.reason : error, this.#where);
      if (failure.code === 'unreachable')
        return err({ code: 'engine-unreachable', message: failure.message });
      return err(pushFailure(ref, failure.message));
    } finally {
      clearTimeout(silence);
    }
  }

  async #json<T>(call: Call, schema: z.ZodType<T>): Promise<T> {
    return await this.#tell(call.signal, async () => {
      const text = await readText(await this.#open(call));
      const parsed = schema.safeParse(JSON.parse(text));
      if (parsed.success) return parsed.data;
      throw refusal(200, `The engine's answer to ${call.path} has not the form that is expected.`);
    });
  }

  async #done(call: Call): Promise<void> {
    await this.#tell(call.signal, async () => {
      await readText(await this.#open(call));
    });
  }

  /** The answer's stream, once it began; `timeoutMs` for it to begin, 0 for none. */
  async #open(call: Call, timeoutMs = ANSWER_TIMEOUT_MS): Promise<IncomingMessage> {
    return await this.#tell(call.signal, async () => {
      const { request, answered } = this.#send(call, timeoutMs);
      request.once('upgrade', (_, socket) => socket.destroy());
      const answer = await answered;
      const status = answer.statusCode ?? 0;
      if (status >= 200 && status < 400) return answer;
      throw refusal(status, sentenceOf(await readText(answer), status));
    });
  }

  async #upgrade(call: Call): Promise<Duplex> {
    return await this.#tell(call.signal, async () => {
      const { request, answered } = this.#send(call, ANSWER_TIMEOUT_MS);
      const upgraded = new Promise<Duplex>((resolve) => {
        request.once('upgrade', (_, socket: Duplex, head: Buffer) => {
          if (head.length > 0) socket.unshift(head);
          const end = () => socket.destroy();
          call.signal?.addEventListener('abort', end, { once: true });
          socket.once('close', () => call.signal?.removeEventListener('abort', end));
          resolve(socket);
        });
      });
      const first = await Promise.race([upgraded, answered.then((answer) => ({ answer }))]);
      if (!('answer' in first)) return first;
      const status = first.answer.statusCode ?? 0;
      throw refusal(status, sentenceOf(await readText(first.answer), status));
    });
  }

  #send(call: Call, timeoutMs: number) {
    const { method, path, query = {}, headers = {}, body, signal } = call;
    const words = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      for (const one of typeof value === 'string' ? [value] : value) words.append(name, one);
    }
    const common = { method, path: `${path}?${words}`, headers: headersOf(headers), signal };
    const address = this.#address;
    const request =
      address.kind === 'socket'
        ? httpRequest({ ...common, socketPath: address.path, agent: new HttpAgent() })
        : address.tls === undefined
          ? httpRequest({ ...common, host: address.host, port: address.port, agent: new HttpAgent() })
          : httpsRequest({
              ...common,
              ...address.tls,
              host: address.host,
              port: address.port,
              agent: new HttpsAgent(),
            });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      const late =
        timeoutMs === 0
          ? undefined
          : setTimeout(
              () => request.destroy(new DOMException('it did not answer in time', 'TimeoutError')),
              timeoutMs,
            );
      request.on('error', reject);
      request.once('response', resolve);
      request.once('response', () => clearTimeout(late));
      request.once('upgrade', () => clearTimeout(late));
      request.once('close', () => clearTimeout(late));
    });
    answered.catch(() => undefined);
    if (body === undefined) request.end();
    else {
      body.pipe(request);
      // A context that can't be read ends the request; an engine that refuses early ends the reading of it.
      body.once('error', (error) => request.destroy(error));
      request.once('close', () => body.destroy());
    }
    return { request, answered };
  }

  async #tell<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    try {
      signal?.throwIfAborted();
      return await work();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw toEngineError(error, this.#where);
    }
  }

  async *#told<T>(signal: AbortSignal, items: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw toEngineError(error, this.#where);
    }
    // A connection that was ended by us ends as one that is over.
    signal.throwIfAborted();
  }
}

/** Base64 as the engine's headers have it: the alphabet of URLs, and padded, or it is taken for no login at all. */
export function registryHeader(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

async function* outputOf(socket: Duplex): AsyncGenerator<OutputPiece> {
  for await (const { stream, bytes } of framePieces(socket)) yield { stream, bytes };
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const whole = finished(answer);
  whole.catch(() => undefined);
  for await (const chunk of answer) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new Error('its answer is too large');
    chunks.push(chunk);
  }
  await whole;
  return Buffer.concat(chunks).toString('utf8').trim();
}

function sentenceOf(text: string, status: number): string {
  try {
    const parsed = messageSchema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data.message;
  } catch {
    // Not JSON: something between us and the engine answered.
  }
  return text === '' ? `status ${status}` : text.slice(0, 1_000);
}

function headersOf(headers: Readonly<Record<string, string | readonly string[]>>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  );
}

/** A colon before the last slash is a port's. */
function splitTag(ref: string): { repository: string; tag: string | undefined } {
  const colon = ref.lastIndexOf(':');
  if (colon <= ref.lastIndexOf('/')) return { repository: ref, tag: undefined };
  return { repository: ref.slice(0, colon), tag: ref.slice(colon + 1) };
}

function pushFailure(ref: string, problem: string): Failure {
  const registry = ref.split('/')[0] ?? ref;
  if (/denied|unauthorized|authentication|no basic auth|forbidden|insufficient_scope/i.test(problem)) {
    return {
      code: 'push-denied',
      message: `The registry did not take ${ref}: ${problem}. Log in to it as the agent's user, as somebody who may push there (docker login ${registry}).`,
    };
  }
  if (
    /connection refused|no such host|i\/o timeout|no route to host|network is unreachable|deadline exceeded|Client\.Timeout/i.test(
      problem,
    )
  ) {
    return {
      code: 'registry-unavailable',
      message: `The registry of ${ref} can't be reached from the engine: ${problem}. Check that ${registry} runs, and that the engine's machine reaches it.`,
    };
  }
  if (/no space left|disk quota/i.test(problem)) {
    return {
      code: 'push-failed',
      message: `The registry has no space left for ${ref}: ${problem}. Free some on the registry's machine.`,
    };
  }
  if (/unexpected HTTP status: 5\d\d/i.test(problem)) {
    // All that the engine passes on of what went wrong there.
    return {
      code: 'push-failed',
      message: `The registry could not keep ${ref}: ${problem}. Look at its log, and whether its disk is full.`,
    };
  }
  return { code: 'push-failed', message: `Pushing ${ref} failed: ${problem}` };
}
