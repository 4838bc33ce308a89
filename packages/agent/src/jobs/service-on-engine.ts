import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, JobEvent } from '@towline/core/job';
import type { ContainerSpec, ExecuteInput, ExecutePlan } from '@towline/core/protocol';
import type { Choice } from '@towline/core/rules';
import { vi } from 'vitest';
import { createDockerEngine } from '../engine/index.ts';
import { createRegistry } from '../registry/index.ts';
import { createJobService, type JobServiceOptions } from './create-job-service.ts';
import type { JobService } from './job-service.ts';

/** The parts of a sandbox's host that tests of jobs use. */
export interface EngineHost {
  socket: string;
  docker(...args: string[]): Promise<string>;
  run(command: string, args: string[]): Promise<string>;
}

export interface Chosen {
  container: string;
  /** The image's name without a tag. */
  image: string;
  tag: string;
  more?: Partial<Omit<ContainerSpec, 'name' | 'image'>>;
}

/**
 * A new container that has to end at its gate has so long for it; at 0.3 s it may be on its way to that still. An old one
 * that is brought back has to run for as long.
 */
export const FAILS = { settle: 2 };

/** Words for `docker run`: a container whose next ones stay at their gates until `openGate`. */
export const AT_GATE: readonly string[] = [
  ...['--volume', '/gate', '--health-cmd', 'test -e /gate/open'],
  ...['--health-interval', '100ms', '--health-retries', '1000'],
];

/** A job service on a real engine, with a state folder and container names of its own; for tests. */
export class ServiceOnEngine {
  readonly stateDir: string;
  readonly host: EngineHost;
  readonly #prefix = `t${randomBytes(3).toString('hex')}`;
  #jobs: JobService | undefined;
  readonly #options: Partial<JobServiceOptions>;
  readonly logged: object[] = [];

  private constructor(host: EngineHost, stateDir: string, options: Partial<JobServiceOptions>) {
    this.host = host;
    this.stateDir = stateDir;
    this.#options = options;
  }

  static async start(host: EngineHost, options: Partial<JobServiceOptions> = {}): Promise<ServiceOnEngine> {
    const service = new ServiceOnEngine(host, await mkdtemp(join(tmpdir(), 'tl-jobs-')), options);
    await service.restart();
    return service;
  }

  get jobs(): JobService {
    if (this.#jobs === undefined) throw new Error('not started');
    return this.#jobs;
  }

  /** As an agent that ends and is started again. */
  async restart(change: Partial<JobServiceOptions> = {}): Promise<void> {
    await this.#jobs?.close();
    const note = (fields: object) => void this.logged.push(fields);
    this.#jobs = await createJobService({
      engine: createDockerEngine({ kind: 'socket', path: this.host.socket }),
      registry: createRegistry({ configDir: this.stateDir }),
      stateDir: this.stateDir,
      log: { info: note, warn: note, error: note },
      ...this.#options,
      ...change,
    });
  }

  /** A container's name that no other test has. */
  name(word: string): string {
    return `${this.#prefix}-${word}`;
  }

  input(chosen: readonly Chosen[], change: Partial<ExecuteInput> = {}): ExecuteInput {
    return {
      key: randomBytes(8).toString('hex'),
      service: 'shop',
      map: 'test',
      server: this.#prefix,
      operator: 'tester',
      containers: chosen.map(({ container, image, more }) => ({
        name: container,
        image,
        kind: 'common',
        settle: 0.3,
        ...more,
      })),
      choices: chosen.map(({ container, tag }) => ({ container, choice: imageTag(tag) })),
      ...change,
    };
  }

  /** Executes and waits for the end. */
  async execute(...chosen: Chosen[]): Promise<Job> {
    return this.ended(await this.begin(this.input(chosen)));
  }

  /** Executes and returns the job's id. */
  async begin(input: ExecuteInput): Promise<string> {
    const begun = await this.jobs.execute(input);
    if (!begun.ok) throw new Error(begun.error.message);
    return begun.value.jobId;
  }

  /** What an Execute would do. */
  async plan({ key: _, operator: __, ...input }: ExecuteInput): Promise<ExecutePlan> {
    const planned = await this.jobs.plan(input);
    if (!planned.ok) throw new Error(planned.error.message);
    return planned.value;
  }

  async ended(id: string): Promise<Job> {
    for await (const _ of this.events(id)) {
      // To its end.
    }
    const job = this.jobs.get(id);
    if (job === undefined) throw new Error(`there is no job ${id}`);
    return job;
  }

  events(id: string, afterSeq = 0): AsyncIterable<JobEvent> {
    return this.jobs.follow(id, afterSeq, new AbortController().signal);
  }

  /** Waits for a step to begin. */
  async reaches(id: string, step: string): Promise<void> {
    for await (const event of this.events(id)) {
      if (event.type === 'step-started' && event.step === step) return;
    }
    throw new Error(`the job ended before ${step}`);
  }

  async inspect(nameOrId: string) {
    return JSON.parse(await this.host.docker('inspect', '--type', 'container', nameOrId))[0];
  }

  /** Of the new container of a job, and of those that come after it. */
  async openGate(container: string, job: string): Promise<void> {
    await this.host.docker('exec', `${container}.next.${job}`, 'touch', '/gate/open');
  }

  /**
   * What a container serves, asked from inside it. At the gate it had to run: whether it listens by now is its own, and is
   * waited for.
   */
  async page(container: string): Promise<string> {
    const ask = ['wget', '-q', '-O', '-', 'http://127.0.0.1:8080/'];
    return await vi.waitFor(() => this.host.docker('exec', container, ...ask));
  }

  /** The names of this test's containers, sorted. */
  async names(): Promise<string[]> {
    const listed = await this.host.docker(
      'ps',
      '-a',
      '--filter',
      `name=${this.#prefix}`,
      '--format',
      '{{.Names}}',
    );
    return listed.split('\n').filter(Boolean).sort();
  }

  async close(): Promise<void> {
    await this.#jobs?.close();
    const names = await this.names();
    if (names.length > 0) await this.host.docker('rm', '--force', '--volumes', ...names);
    await rm(this.stateDir, { recursive: true, force: true });
  }
}

function imageTag(tag: string): Choice {
  return { mode: 'image-tag', tag };
}
