import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { BuildDefinition } from '@towline/core/build';
import { createGitServers, type GitRepository, type GitServers, type Host } from '@towline/test/sandbox';
import type { AgentLink } from '@towline/tui/link';
import { runStep, runStepWithLog } from './agent-builds.ts';
import { CONTEXTS, type ContextName, type Files, writeContext } from './build-contexts.ts';
import { dockerCommand } from './docker-command.ts';
import { now } from './engine-http.ts';
import {
  type Bursts,
  burstScript,
  burstsOf,
  type Heard,
  type Received,
  receivedOf,
  stampsIn,
} from './log-bursts.ts';

/** What is measured against what, a sample a round each. */
export interface Pair<T> {
  towline: T[];
  command: T[];
}

export interface BuildMeasures {
  /** CREATE IMAGE from the call to the run's end, and `docker build`; of a context that the engine has not seen. */
  fresh: Partial<Record<ContextName, Pair<number>>>;
  /** The same again, with nothing changed since. */
  unchanged: Partial<Record<ContextName, Pair<number>>>;
  /** Lines of a Dockerfile's RUN, as they come to a screen's store, and to a pipe from `docker build`. */
  imageLog: Pair<Received>;
  /** Milliseconds for the lines of a build command to a screen's store, and to a pipe from `docker run`: at once. */
  commandLog: Pair<number>;
}

/**
 * BuildKit drops a step's output beyond 1 or 2 MiB, and beyond 100 or 200 KiB a second: nothing would be left to measure.
 * The largest numbers that it takes: `-1` is for no limit, and the one in Docker 20.10 then lets nothing through.
 */
export const UNCLIPPED = {
  BUILDKIT_STEP_LOG_MAX_SIZE: '2147483647',
  BUILDKIT_STEP_LOG_MAX_SPEED: '2147483647',
};

export interface BuildPlace {
  host: Host;
  link: AgentLink;
  /** An image with a shell, with its tag. */
  base: string;
  rounds: number;
  contexts: readonly ContextName[];
  logRounds: number;
  /** How many lines a log has. */
  lines: number;
  inTurn<T>(all: readonly T[], round: number): AsyncIterable<T>;
  say(line: string): void;
}

/** Builds by the agent and by the docker command, side by side. */
export async function measureBuilds(place: BuildPlace): Promise<BuildMeasures> {
  const servers = await createGitServers();
  const measures: BuildMeasures = {
    fresh: {},
    unchanged: {},
    imageLog: pair(),
    commandLog: pair(),
  };
  try {
    await measureContexts(place, servers, measures);
    await measureLogs(place, await servers.repository('logs'), measures);
  } finally {
    await servers.close();
  }
  return measures;
}

async function measureContexts(
  place: BuildPlace,
  servers: GitServers,
  measures: BuildMeasures,
): Promise<void> {
  const { host, contexts, rounds, say } = place;
  const repositories = new Map<ContextName, GitRepository>();
  for (const name of contexts) repositories.set(name, await servers.repository(name));
  // The first round meets cold caches, and programs that are not compiled yet.
  for (let round = -1; round < rounds; round++) {
    say(round < 0 ? 'builds, warming up' : `builds, round ${round + 1} of ${rounds}`);
    for (const [name, repository] of repositories) {
      const sides = await contextSides(place, repository, name);
      for (const measure of [measures.fresh, measures.unchanged]) {
        for await (const { way, build } of place.inTurn(sides, round + 1)) {
          const wall = await build();
          measure[name] ??= pair();
          if (round >= 0) measure[name][way].push(wall);
        }
      }
    }
    await host.docker('image', 'prune', '--force');
  }
}

async function measureLogs(
  place: BuildPlace,
  repository: GitRepository,
  measures: BuildMeasures,
): Promise<void> {
  const { link, logRounds, lines, say } = place;
  await repository.commit({ files: { readme: 'nothing\n' } });
  const definition = definitionOf(repository.url, 'bench-logs');
  await runStep(link, definition, 'download');
  for (let round = -1; round < logRounds; round++) {
    say(round < 0 ? 'logs, warming up' : `logs, round ${round + 1} of ${logRounds}`);
    const many = round < 0 ? Math.min(lines, 20_000) : lines;
    for await (const { way, print } of place.inTurn(
      imageLogSides(place, definition, burstsOf(many)),
      round + 1,
    )) {
      const received = await print();
      if (round >= 0) measures.imageLog[way].push(received);
    }
    for await (const { way, print } of place.inTurn(commandLogSides(place, definition, many), round + 1)) {
      const wall = await print();
      if (round >= 0) measures.commandLog[way].push(wall);
    }
  }
}

function pair<T>(): Pair<T> {
  return { towline: [], command: [] };
}

async function contextSides({ host, link, base }: BuildPlace, repository: GitRepository, name: ContextName) {
  const definition = definitionOf(repository.url, `bench-${name}`);
  const files = (): Files => ({
    Dockerfile: Buffer.from(`FROM ${base}\nCOPY . /srv\n`),
    ...CONTEXTS[name](),
  });
  await repository.commit({ files: files() });
  await runStep(link, definition, 'download');
  const folder = join(host.sandboxDir, 'contexts', name);
  await writeContext(folder, files());
  const words = ['build', '--progress=plain', '--tag', `bench/command-${name}`, folder];
  return [
    { way: 'towline', build: () => runStep(link, definition, 'create-image') },
    { way: 'command', build: () => dockerCommand(host, words) },
  ] as const;
}

function imageLogSides({ host, link, base }: BuildPlace, definition: BuildDefinition, bursts: Bursts) {
  // Neither may have the other's from the engine's cache.
  const dockerfile = () => `FROM ${base}\nRUN : ${randomBytes(8).toString('hex')}; ${burstScript(bursts)}\n`;
  return [
    {
      way: 'towline',
      async print() {
        const image = { ...definition.image, dockerfileInline: dockerfile() };
        const heard: Heard[] = [];
        const { lines } = await runStepWithLog(link, { ...definition, image }, 'create-image', (line, at) => {
          if (line.startsWith('burst ')) heard.push(...stampsIn(line, at));
        });
        return receivedOf(bursts, heard, lines);
      },
    },
    {
      way: 'command',
      async print() {
        const folder = join(host.sandboxDir, 'contexts', 'log');
        await writeContext(folder, { Dockerfile: Buffer.from(dockerfile()) });
        // Looked at when all is over: a pipe's reader has nothing else to do.
        const output: { chunk: Buffer; at: number }[] = [];
        const words = ['build', '--progress=plain', '--tag', 'bench/command-log', folder];
        await dockerCommand(host, words, (chunk) => output.push({ chunk, at: now() }));
        return receivedOf(bursts, ...linesOf(output));
      },
    },
  ] as const;
}

/** The stamps in what came by pieces of any length, and how many lines there were. */
function linesOf(output: readonly { chunk: Buffer; at: number }[]): [Heard[], number] {
  let rest = '';
  let lines = 0;
  const heard = output.flatMap(({ chunk, at }) => {
    const whole = (rest + chunk.toString('latin1')).split('\n');
    rest = whole.pop() ?? '';
    lines += whole.length;
    return whole.filter((line) => line.includes(' burst ')).flatMap((line) => stampsIn(line, at));
  });
  return [heard, lines];
}

function commandLogSides({ host, link, base }: BuildPlace, definition: BuildDefinition, lines: number) {
  const run = `yes 'cc -O2 -Wall -Iinclude -c src/module.c -o build/module.o' | head -n ${lines}`;
  // What the agent's builder container has not either: a second copy of its output on the engine's disk.
  const words = ['run', '--rm', '--log-driver', 'none', base, 'sh', '-c', run];
  return [
    {
      way: 'towline',
      async print() {
        const printed = await runStepWithLog(link, { ...definition, command: { image: base, run } }, 'build');
        if (printed.lines < lines) throw new Error(`${printed.lines} of ${lines} lines came.`);
        return printed.wall;
      },
    },
    { way: 'command', print: () => dockerCommand(host, words) },
  ] as const;
}

function definitionOf(git: string, name: string): BuildDefinition {
  return {
    name,
    source: { git, ref: 'main' },
    image: { name: `bench/${name}`, version: '1.0.0' },
    agent: 'bench',
    // None is removed while the next one is measured.
    keep: 100,
  };
}
