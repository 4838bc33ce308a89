import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type BuildDefinition,
  type BuildEvent,
  type BuildEventBody,
  type BuildRun,
  buildKey,
  interruptRun,
  isRunEnded,
  latestOf,
  nextNumber,
  reduceBuildRun,
  withoutVertices,
} from '@towline/core/build';
import { ok, type Result } from '@towline/core/result';
import * as z from 'zod';
import {
  type Journal,
  numberAfterLoss,
  type OnProblem,
  openDocument,
  openJournal,
  readJournal,
} from '../store/index.ts';
import { type BuildLine, buildLineSchema, isEvent } from './build-line.ts';
import {
  type BuildFolders,
  type BuildName,
  fileNameOfBuild,
  journalPath,
  parseJournalName,
} from './run-folders.ts';

const numbersSchema = z.object({ highest: z.record(z.string(), z.int().min(0)) });

export interface RunHistoryOptions {
  folders: BuildFolders;
  now: () => Date;
  onProblem: OnProblem;
  /** Told where the end of an interrupted run can't be written: it is over all the same. */
  onWriteError: (error: unknown) => void;
}

/** A run that was just claimed: its first event is on the disk. */
export interface ClaimedRun {
  run: BuildRun;
  queued: BuildEvent;
  journal: Journal<BuildLine>;
}

interface LoadedRun {
  run: BuildRun;
  definition?: BuildDefinition;
}

/**
 * Every run that an agent has had, as far as it is kept: a journal each, and the highest number of each build, which is
 * never forgotten. Runs are held without their vertices: those are in the journals.
 */
export class RunHistory {
  readonly #options: RunHistoryOptions;
  /** In the order that they were queued. */
  readonly #runs = new Map<string, BuildRun>();
  /** What each build's newest run was of. */
  readonly #definitions = new Map<string, BuildDefinition>();
  /** The highest number that was claimed of each build, by the name of its folder. */
  readonly #highest = new Map<string, number>();
  readonly #listeners = new Set<(run: BuildRun) => void>();
  /** What is written of the numbers and of runs that are over is written one after the other. */
  #writing: Promise<unknown> = Promise.resolve();

  constructor(options: RunHistoryOptions) {
    this.#options = options;
  }

  /** Reads what is there. Returns the runs that had not ended: they have now, as interrupted. */
  async load(): Promise<BuildRun[]> {
    const { folders } = this.#options;
    for (const [build, number] of Object.entries((await this.#numbers()).data.highest)) {
      this.#claimed(build, number);
    }
    const loaded: LoadedRun[] = [];
    for (const folder of await readdir(folders.builds, { withFileTypes: true })) {
      if (folder.isDirectory()) loaded.push(...(await this.#loadBuild(folder.name)));
    }
    loaded.sort((a, b) => a.run.queuedAt.localeCompare(b.run.queuedAt) || a.run.number - b.run.number);
    const interrupted: BuildRun[] = [];
    for (const { run, definition } of loaded) {
      if (definition !== undefined) this.#definitions.set(buildKey(run), definition);
      const ended = isRunEnded(run.state) ? run : await this.#interrupt(run);
      if (ended !== run) interrupted.push(ended);
      this.#runs.set(run.id, withoutVertices(ended));
    }
    return interrupted;
  }

  get(id: string): BuildRun | undefined {
    return this.#runs.get(id);
  }

  /** In the order that they were queued. */
  all(): BuildRun[] {
    return [...this.#runs.values()];
  }

  of(name: BuildName): BuildRun[] {
    const key = buildKey(name);
    return this.all().filter((run) => buildKey(run) === key);
  }

  /** What the build's newest run was of. */
  definitionOf(name: BuildName): BuildDefinition | undefined {
    return this.#definitions.get(buildKey(name));
  }

  /** How many runs a build ever had. */
  everRun(name: BuildName): number {
    return this.#highest.get(fileNameOfBuild(name)) ?? 0;
  }

  onRun(listener: (run: BuildRun) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes in how a run is now, and tells it. */
  changed(run: BuildRun): void {
    const told = withoutVertices(run);
    this.#runs.set(run.id, told);
    for (const listener of this.#listeners) listener(told);
  }

  /**
   * Claims the build's next number: `queued` is on the disk when this returns. Runs are claimed in the order of the calls;
   * where `ready` turns out a failure, none is claimed, and that is returned. Rejects where it can't be written: then
   * the number is not used.
   */
  async claim<E>(
    name: BuildName,
    definition: BuildDefinition,
    ready: Promise<Result<void, E>>,
    queuedAs: (number: number) => Extract<BuildEventBody, { type: 'queued' }>,
  ): Promise<Result<ClaimedRun, E>> {
    return await this.#inTurn(async () => {
      const is = await ready;
      if (!is.ok) return is;
      const number = nextNumber([{ number: this.everRun(name) }]);
      const path = journalPath(this.#options.folders, name, number);
      const queued: BuildEvent = { ...queuedAs(number), seq: 1, at: this.#at() };
      const run = reduceBuildRun(undefined, queued);
      if (run === undefined) throw new Error('a run does not begin with its first event');
      let journal: Journal<BuildLine> | undefined;
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        journal = await openJournal<BuildLine>(path);
        await journal.append(queued, { durable: true });
      } catch (error) {
        await journal?.close().catch(() => undefined);
        await rm(path, { force: true }).catch(() => undefined);
        throw error;
      }
      // From here on the number is used, whatever comes.
      this.#claimed(fileNameOfBuild(name), number);
      this.#definitions.set(buildKey(name), definition);
      journal.append({ record: 'request', definition }, { durable: false }).catch(this.#options.onWriteError);
      this.changed(run);
      return ok({ run, queued, journal });
    });
  }

  /** Writes an event of a run that is over. */
  async amend(id: string, body: BuildEventBody): Promise<void> {
    await this.#inTurn(async () => {
      const run = this.#runs.get(id);
      if (run === undefined) return;
      const event = dated(body, run.lastSeq + 1, this.#at());
      await this.#write(run, event);
      this.changed(reduceBuildRun(run, event));
    });
  }

  async events(run: BuildRun): Promise<BuildEvent[]> {
    return (await this.#read(journalPath(this.#options.folders, run, run.number))).filter(isEvent);
  }

  /** With its vertices, of one that is over. */
  async whole(run: BuildRun): Promise<BuildRun> {
    const folded = foldEvents(await this.events(run));
    // A full disk may have lost some of them.
    return folded !== undefined && folded.lastSeq >= run.lastSeq ? folded : run;
  }

  /**
   * Forgets the oldest runs above a limit: never one that is not over, a build's last one, or the one that Latest resolves to.
   * Returns those that it forgot.
   */
  prune(limit: number): Promise<BuildRun[]> {
    return this.#inTurn(() => this.#prune(limit));
  }

  async #prune(limit: number): Promise<BuildRun[]> {
    const needed = new Set<string>();
    for (const runs of Map.groupBy(this.#runs.values(), buildKey).values()) {
      for (const id of [latestOf(runs)?.runId, runs.at(-1)?.id]) if (id !== undefined) needed.add(id);
    }
    const old = this.all()
      .filter((run) => isRunEnded(run.state) && !needed.has(run.id))
      .slice(0, Math.max(0, this.#runs.size - limit));
    if (old.length === 0) return [];
    // Before the journals go: they were what said which numbers are used.
    const numbers = await this.#numbers();
    await numbers.update((data) => {
      data.highest = { ...data.highest, ...Object.fromEntries(this.#highest) };
    });
    for (const run of old) {
      this.#runs.delete(run.id);
      await rm(journalPath(this.#options.folders, run, run.number), { force: true });
    }
    return old;
  }

  #numbers() {
    const { folders, now, onProblem } = this.#options;
    const path = join(folders.builds, 'numbers.json');
    return openDocument({ path, schema: numbersSchema, initial: { highest: {} }, onProblem, now });
  }

  async #loadBuild(build: string): Promise<LoadedRun[]> {
    const folder = join(this.#options.folders.builds, build);
    const found: LoadedRun[] = [];
    for (const name of (await readdir(folder)).sort()) {
      if (parseJournalName(name)?.damaged !== false) continue;
      const loaded = await this.#loadRun(join(folder, name));
      if (loaded === undefined) continue;
      this.#claimed(build, loaded.run.number);
      found.push(loaded);
    }
    // One that nobody can read any more had its number all the same.
    for (const name of await readdir(folder)) {
      const parsed = parseJournalName(name);
      if (parsed?.damaged === true) this.#claimed(build, parsed.number);
    }
    return found;
  }

  async #loadRun(path: string): Promise<LoadedRun | undefined> {
    const lines = await this.#read(path);
    const run = foldEvents(lines.filter(isEvent));
    if (run === undefined) {
      // Nobody was told of it: the agent was killed before the number was claimed.
      await rm(path, { force: true });
      return undefined;
    }
    const request = lines.find((line) => 'record' in line);
    return { run, ...(request !== undefined && { definition: request.definition }) };
  }

  async #interrupt(run: BuildRun): Promise<BuildRun> {
    let ended = run;
    let seq = numberAfterLoss(run.lastSeq);
    for (const body of interruptRun(run)) {
      const event = dated(body, seq, this.#at());
      await this.#write(run, event).catch(this.#options.onWriteError);
      ended = reduceBuildRun(ended, event);
      seq += 1;
    }
    return ended;
  }

  async #write(run: BuildName & { number: number }, event: BuildEvent): Promise<void> {
    const journal = await openJournal<BuildLine>(journalPath(this.#options.folders, run, run.number));
    try {
      await journal.append(event, { durable: true });
    } finally {
      await journal.close();
    }
  }

  #read(path: string): Promise<BuildLine[]> {
    const { now, onProblem } = this.#options;
    return readJournal({ path, schema: buildLineSchema, onProblem, now });
  }

  #claimed(build: string, number: number): void {
    this.#highest.set(build, Math.max(number, this.#highest.get(build) ?? 0));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#writing.then(work);
    this.#writing = turn.catch(() => undefined);
    return turn;
  }

  #at(): string {
    return this.#options.now().toISOString();
  }
}

function foldEvents(events: readonly BuildEvent[]): BuildRun | undefined {
  return events.reduce<BuildRun | undefined>((run, event) => reduceBuildRun(run, event), undefined);
}

/** Without the distribution over the union, a `seq` would not be a member of each kind of event. */
export function dated(event: BuildEventBody, seq: number, at: string): BuildEvent {
  return { ...event, seq, at };
}
