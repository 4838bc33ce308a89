import type { LogLine, ObservedContainer } from '@towline/core/protocol';
import type { Result } from '@towline/core/result';
import type { ContainerInspectInfo, ImageInspectInfo } from 'dockerode';

export type EngineErrorCode = 'not-found' | 'conflict' | 'unreachable' | 'engine';

/** The engine's own refusal, or that it is away. Everything an `Engine` throws is one of these. */
export class EngineError extends Error {
  readonly code: EngineErrorCode;
  /** The engine's HTTP status, where it answered. */
  readonly statusCode: number | undefined;

  constructor(code: EngineErrorCode, message: string, statusCode?: number) {
    super(message);
    this.name = 'EngineError';
    this.code = code;
    this.statusCode = statusCode;
  }
}

export interface EngineInfo {
  /** The machine's name as its engine has it. */
  name: string;
  version: string;
  /** Such as `1.41`. */
  apiVersion: string;
  os: string;
  arch: string;
  /** The folder in which it keeps its images, on its own machine. */
  rootDir?: string | undefined;
  /** Hosts and CIDRs that the engine talks to without TLS. */
  insecureRegistries: readonly string[];
  /** It runs as an ordinary user: its containers' addresses are not its machine's to reach. */
  rootless: boolean;
  /** What it can't do of what Towline promises, in sentences. */
  limits: readonly string[];
}

/** The engine's answer as it is: fields that the type does not know are there as well, and are kept. */
export type ContainerInspect = ContainerInspectInfo & { [key: string]: unknown };
export type ImageInspect = ImageInspectInfo & { [key: string]: unknown };

/** A body of `POST /containers/create`. Sent as it is, unknown fields included. */
export type CreateRequest = object;

/** A body of `EndpointConfig`. Sent as it is. */
export type EndpointRequest = object;

export interface RestartPolicy {
  Name: string;
  MaximumRetryCount?: number;
}

/** Credentials for a pull, as `X-Registry-Auth` carries them. */
export interface EngineAuth {
  username?: string;
  password?: string;
  serveraddress?: string;
  identitytoken?: string;
  registrytoken?: string;
}

export interface PullOptions {
  /** Bytes so far over all layers, of how many as far as they are known, and the engine's last word. */
  onProgress?: (current: number, total: number | undefined, detail: string) => void;
  signal?: AbortSignal;
  auth?: EngineAuth | undefined;
}

export interface LogOptions {
  follow: boolean;
  /** How many of the last lines come first. */
  tail: number;
  /** In place of `tail`: all from this second on, of those since 1970. */
  since?: number | undefined;
  signal: AbortSignal;
}

export interface DiskUsage {
  images: readonly {
    id: string;
    /** With tags, and with digests. */
    names: readonly string[];
    createdAt: string;
    /** Bytes that no other image has. */
    ownBytes: number;
  }[];
  /** `ownBytes` are those that it wrote. */
  containers: readonly { id: string; imageId: string; ownBytes: number }[];
}

/** What happened to a container, as far as Towline looks. */
export interface EngineEvent {
  /** Such as `start`, `die`, `destroy`, `rename`, `health_status: healthy`. */
  action: string;
  /** The container's. */
  id: string;
  attributes: Readonly<Record<string, string>>;
  timeNano: number;
}

/**
 * The one narrow way to a container engine. Methods reject with `EngineError`, and with nothing else; `info` and `pull`
 * fail in the ordinary course of things and say so as values.
 */
export interface Engine {
  /** Errors: `engine-unreachable`, `engine`. */
  info(): Promise<Result<EngineInfo>>;
  /** Fulfilled where it answers at all within this time. */
  ping(timeoutMs: number): Promise<void>;
  /** All containers, stopped ones included. */
  listContainers(): Promise<ObservedContainer[]>;
  /**
   * One container as `listContainers` has it; undefined where there is none. What is known of its image from `before`
   * is taken from there: a container never changes its image.
   */
  observe(nameOrId: string, before?: ObservedContainer): Promise<ObservedContainer | undefined>;
  /** The whole inspect of every container, stopped ones included. */
  inspectContainers(): Promise<ContainerInspect[]>;
  /** The engine's whole inspect; undefined where there is no such container. */
  inspectContainer(nameOrId: string): Promise<ContainerInspect | undefined>;
  /** The layers, by their diff ids, of all images. */
  imageLayers(): Promise<Set<string>>;
  /** What images and containers take on the engine's disk. Takes as long as the engine needs to count. */
  diskUsage(): Promise<DiskUsage>;
  /** Undefined where the engine has no such image. */
  inspectImage(ref: string): Promise<ImageInspect | undefined>;
  createContainer(name: string, request: CreateRequest): Promise<{ id: string; warnings: string[] }>;
  /** One that runs already is no error. */
  startContainer(id: string): Promise<void>;
  /** `timeout` in seconds; without it the container's own. One that is stopped already is no error. */
  stopContainer(id: string, options?: { timeout?: number }): Promise<void>;
  renameContainer(id: string, name: string): Promise<void>;
  /** Its volumes are always kept (`v=false`). */
  removeContainer(id: string, options?: { force?: boolean }): Promise<void>;
  setRestartPolicy(id: string, policy: RestartPolicy): Promise<void>;
  connectNetwork(network: string, id: string, endpoint?: EndpointRequest): Promise<void>;
  disconnectNetwork(network: string, id: string, options?: { force?: boolean }): Promise<void>;
  /** What a network is made of, such as `bridge`; undefined where there is none of this name. */
  networkDriver(name: string): Promise<string | undefined>;
  /** Makes a bridge network of this name unless there is one. */
  ensureNetwork(name: string): Promise<void>;
  /**
   * Pulls and reads the engine's stream to its end. Errors: `pull-failed` (an error entry in the stream, a refusal, a
   * stream that broke off), `cancelled`, `engine-unreachable`; the message is the engine's.
   */
  pull(ref: string, options?: PullOptions): Promise<Result<void>>;
  /** The last lines of both streams, oldest first. */
  tailLogs(id: string, lines: number): Promise<string[]>;
  /** Lines as they come, each cut at 64 KiB. Ends with the container (`follow`) or with `signal`. */
  logs(id: string, options: LogOptions): AsyncIterable<LogLine>;
  /** Events from `onOpen` on. Throws `unreachable` when the engine goes away; ends with `signal`. */
  events(signal: AbortSignal, onOpen?: () => void): AsyncIterable<EngineEvent>;
}
