import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job } from '@towline/core/job';
import type { Recreate } from '../replace/index.ts';
import { type Journal, openJournal, readJournal } from '../store/index.ts';
import { type JobLine, jobLineSchema } from './job-line.ts';

const JOURNAL_SUFFIX = '.ndjson';
const RECREATE_SUFFIX = '.create.json';
const ORDINARY_SOCKET = '/var/run/docker.sock';

/** What jobs have on the disk: a journal each, and what the commands of a degraded one need. */
export class JobFiles {
  readonly #dir: string;
  readonly #socket: string;
  readonly #read: Pick<Parameters<typeof readJournal>[0], 'onProblem' | 'now'>;

  /** `socket` is the engine's, for the commands that a person is given; the ordinary one unless said. */
  constructor(
    dir: string,
    {
      socket = ORDINARY_SOCKET,
      ...read
    }: { socket?: string | undefined; onProblem: (problem: string) => void; now: () => Date },
  ) {
    this.#dir = dir;
    this.#socket = socket;
    this.#read = read;
  }

  /** The ids of all jobs that have a journal. Makes the folder (0700) where it is not there. */
  async ids(): Promise<string[]> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const names = await readdir(this.#dir);
    return names
      .filter((name) => name.endsWith(JOURNAL_SUFFIX))
      .map((name) => name.slice(0, -JOURNAL_SUFFIX.length));
  }

  read(id: string): Promise<JobLine[]> {
    return readJournal({ path: this.#pathOf(id), schema: jobLineSchema, ...this.#read });
  }

  open(id: string): Promise<Journal<JobLine>> {
    return openJournal<JobLine>(this.#pathOf(id));
  }

  /** One more line in the journal of a job that has ended. */
  async amend(id: string, line: JobLine): Promise<void> {
    const journal = await this.open(id);
    try {
      await journal.append(line, { durable: true });
    } finally {
      await journal.close();
    }
  }

  /** What a job that never began has. */
  async removeJournal(id: string): Promise<void> {
    await rm(this.#pathOf(id), { force: true });
  }

  async remove({ id, tasks, steps }: Job): Promise<void> {
    await this.removeJournal(id);
    const { pathOf } = this.recreateOf(id);
    // Also of those that nobody chose, and that were created again with one that was.
    for (const { container } of [...tasks, ...steps]) await rm(pathOf(container), { force: true });
  }

  /** How what a job can't bring back is created by hand. */
  recreateOf(id: string): Recreate {
    return {
      socket: this.#socket,
      pathOf: (container) => join(this.#dir, `${id}.${container}${RECREATE_SUFFIX}`),
    };
  }

  #pathOf(id: string): string {
    return join(this.#dir, `${id}${JOURNAL_SUFFIX}`);
  }
}
