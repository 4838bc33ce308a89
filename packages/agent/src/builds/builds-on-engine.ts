import { randomBytes, randomInt } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildDefinition, BuildEvent, BuildRun, BuildStepKind } from '@towline/core/build';
import type { RunBuildInput } from '@towline/core/protocol';
import {
  createGitServers,
  type GitRepository,
  type GitServers,
  type Host,
  signalProcess,
} from '@towline/test/sandbox';
import { vi } from 'vitest';
import { createBuildEngine, createDockerEngine } from '../engine/index.ts';
import { createRegistry } from '../registry/index.ts';
import type { BuildService } from './build-service.ts';
import { type BuildServiceOptions, createBuildService } from './create-build-service.ts';

export const SERVICE = 'shop';

/** A registry that takes connections and never answers; says its process' id and its port, a line. */
const SILENT = `require('net').createServer((socket) => socket.on('error', () => {}).resume())
  .listen(0, '127.0.0.1', function () {
    require('fs').writeFileSync(process.argv[1], process.pid + ' ' + this.address().port + '\\n');
  })`;

/** How a step is held in the middle of it, until it is ended. */
export interface HeldRun {
  definition: BuildDefinition;
  /** Returns once the step of the run is in the middle. */
  held(run: string): Promise<void>;
}

/** A build service on a real engine, with a repository, a state folder and image names of its own; for tests. */
export class BuildsOnEngine {
  readonly host: Host;
  readonly stateDir: string;
  readonly servers: GitServers;
  readonly repository: GitRepository;
  /** No other test's images begin so. */
  readonly word = `t${randomBytes(4).toString('hex')}`;
  readonly logged: object[] = [];
  readonly #options: Partial<BuildServiceOptions>;
  readonly #registry: string;
  readonly #silent: { pid: number; ended: Promise<unknown> }[] = [];
  #builds: BuildService | undefined;

  private constructor(
    place: { host: Host; registry: string; stateDir: string; servers: GitServers; repository: GitRepository },
    options: Partial<BuildServiceOptions>,
  ) {
    this.host = place.host;
    this.#registry = place.registry;
    this.stateDir = place.stateDir;
    this.servers = place.servers;
    this.repository = place.repository;
    this.#options = options;
  }

  /** With a first commit: a Dockerfile of a page that names its version. */
  static async start(
    host: Host,
    registry: string,
    options: Partial<BuildServiceOptions> = {},
  ): Promise<BuildsOnEngine> {
    const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'tl-builds-')));
    const servers = await createGitServers();
    const repository = await servers.repository('storefront');
    const on = new BuildsOnEngine({ host, registry, stateDir, servers, repository }, options);
    await repository.commit({
      message: 'Open the shop',
      files: { Dockerfile: on.dockerfile(), page: 'one\n' },
    });
    await on.restart();
    return on;
  }

  get builds(): BuildService {
    if (this.#builds === undefined) throw new Error('not started');
    return this.#builds;
  }

  get baseImage(): string {
    return `${this.#registry}/test/faulty:ok`;
  }

  dockerfile(...more: string[]): string {
    return [`FROM ${this.baseImage}`, 'COPY page /page', ...more, ''].join('\n');
  }

  /** As an agent that ends and is started again. */
  async restart(change: Partial<BuildServiceOptions> = {}): Promise<void> {
    await this.#builds?.close();
    const note = (fields: object) => void this.logged.push(fields);
    const address = { kind: 'socket', path: this.host.socket } as const;
    this.#builds = await createBuildService({
      engine: createDockerEngine(address),
      buildEngine: createBuildEngine(address),
      registry: createRegistry({ configDir: this.stateDir }),
      stateDir: this.stateDir,
      log: { info: note, warn: note, error: note },
      ...this.#options,
      ...change,
    });
  }

  /** The image's name in the registry. */
  image(word = 'storefront'): string {
    return `${this.#registry}/${this.word}/${word}`;
  }

  /** Of all four steps, unless changed. */
  definition(change: Partial<BuildDefinition> = {}): BuildDefinition {
    return {
      name: 'storefront',
      source: { git: this.repository.url, ref: 'main' },
      command: { image: this.baseImage, run: 'echo compiled >> page; cat page' },
      image: { name: this.image(), version: '1.0.0' },
      agent: 'a',
      ...change,
    };
  }

  /** A run that does not get past a step. */
  async holding(step: BuildStepKind): Promise<HeldRun> {
    const definition = this.definition();
    const { image } = definition;
    // Found in a process' command line, and in no other test's.
    const sleep = `sleep ${this.sleepSeconds}`;
    // What is said is not what is written: that is in the log as well.
    const said = (run: string) => this.said(run, step, 'holding');
    switch (step) {
      case 'download': {
        const server = await this.servers.http();
        server.hold(0);
        const source = { git: server.url('storefront'), ref: 'main' };
        return { definition: { ...definition, source }, held: () => server.held() };
      }
      case 'build': {
        const command = { image: this.baseImage, run: `echo hold''ing; ${sleep}` };
        return { definition: { ...definition, command }, held: said };
      }
      case 'create-image': {
        const dockerfileInline = this.dockerfile(`RUN echo hold''ing; ${sleep}`);
        return { definition: { ...definition, image: { ...image, dockerfileInline } }, held: said };
      }
      case 'push': {
        const name = `${await this.#silentRegistry()}/${this.word}/held`;
        return {
          definition: { ...definition, image: { ...image, name } },
          held: (run) => this.said(run, step, 'Pushing'),
        };
      }
    }
  }

  readonly sleepSeconds = 100_000 + randomInt(900_000);

  /** The processes of what is held, git's included. */
  async heldProcesses(): Promise<string[]> {
    const found: string[] = [];
    for (const pid of await readdir('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      if (
        words.includes(`sleep\0${this.sleepSeconds}`) ||
        environment.includes(`TOWLINE_SOURCE=${this.stateDir}`)
      )
        found.push(words.replaceAll('\0', ' '));
    }
    return found;
  }

  async #silentRegistry(): Promise<string> {
    const file = join(this.stateDir, `silent-${this.#silent.length}`);
    const ended = this.host.run(process.execPath, ['-e', SILENT, file]);
    const listens = vi.waitFor(
      async () => {
        const [, pid, port] = /^(\d+) (\d+)\n/.exec(await readFile(file, 'utf8')) ?? [];
        if (pid === undefined) throw new Error('half of it is written');
        return { pid: Number(pid), port };
      },
      { timeout: 30_000 },
    );
    // One that does not start says why.
    const { pid, port } = await Promise.race([listens, ended.then(() => listens)]);
    this.#silent.push({ pid, ended: ended.catch(() => '') });
    return `localhost:${port}`;
  }

  input(definition = this.definition(), change: Partial<RunBuildInput> = {}): RunBuildInput {
    return {
      key: randomBytes(8).toString('hex'),
      service: SERVICE,
      definition,
      operator: 'tester',
      ...change,
    };
  }

  /** Queues a run and returns its id. */
  async begin(definition = this.definition(), change: Partial<RunBuildInput> = {}): Promise<string> {
    const begun = await this.builds.run(this.input(definition, change));
    if (!begun.ok) throw new Error(`${begun.error.code}: ${begun.error.message}`);
    return begun.value.runId;
  }

  /** Runs it to its end. */
  async run(definition = this.definition(), change: Partial<RunBuildInput> = {}): Promise<BuildRun> {
    return await this.ended(await this.begin(definition, change));
  }

  async ended(id: string): Promise<BuildRun> {
    for await (const _ of this.events(id)) {
      // To its end.
    }
    const run = await this.builds.get(id);
    if (run === undefined) throw new Error(`there is no run ${id}`);
    return run;
  }

  events(id: string, afterSeq = 0): AsyncIterable<BuildEvent> {
    return this.builds.follow(id, afterSeq, new AbortController().signal);
  }

  /** All lines of a step's log, up to its end. */
  async lines(run: string, step: BuildStepKind): Promise<string[]> {
    const followed = await this.builds.followLog({ run, step }, new AbortController().signal);
    if (!followed.ok) throw new Error(followed.error.message);
    const lines: string[] = [];
    for await (const { entries } of followed.value) lines.push(...entries.map(({ text }) => text));
    return lines;
  }

  /** Returns once a step's log has a line with a text in it. */
  async said(run: string, step: BuildStepKind, text: string): Promise<void> {
    const followed = await this.builds.followLog({ run, step }, new AbortController().signal);
    if (!followed.ok) throw new Error(followed.error.message);
    for await (const { entries } of followed.value) {
      if (entries.some((line) => line.text.includes(text))) return;
    }
    throw new Error(`the log of ${step} ended without “${text}”`);
  }

  /** What the engine has of this test: builder containers, and images by name. */
  async left(): Promise<{ containers: string[]; images: string[] }> {
    const list = async (...words: string[]) =>
      (await this.host.docker(...words)).split('\n').filter((line) => line !== '');
    const containers = await list('ps', '-a', '--filter', 'label=io.towline.build', '--format', '{{.ID}}');
    const ours: string[] = [];
    for (const id of containers) {
      const mounts = await this.host.docker('inspect', '--format', '{{json .Mounts}}', id).catch(() => '');
      if (mounts.includes(this.stateDir)) ours.push(id);
    }
    const images = await list('images', '--format', '{{.Repository}}:{{.Tag}}');
    return { containers: ours, images: images.filter((name) => name.includes(this.word)).sort() };
  }

  async close(): Promise<void> {
    await this.#builds?.close();
    const { containers, images } = await this.left();
    if (containers.length > 0) await this.host.docker('rm', '--force', '--volumes', ...containers);
    if (images.length > 0) await this.host.docker('rmi', '--force', ...images);
    for (const { pid, ended } of this.#silent) {
      signalProcess(pid, 'SIGTERM');
      await ended;
    }
    await this.servers.close();
    // One that was given is its giver's.
    if (this.#options.stateDir === undefined) await rm(this.stateDir, { recursive: true, force: true });
  }
}
