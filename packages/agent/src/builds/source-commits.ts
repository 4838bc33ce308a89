import { type BuildDefinition, buildKey } from '@towline/core/build';
import type { CommitsBetweenInput, CommitsBetweenOutput, ProtocolError } from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import type { Answer } from './build-service.ts';
import type { CommitsBetween } from './download/index.ts';
import { type BuildFolders, type BuildName, historyPath } from './run-folders.ts';
import type { RunHistory } from './run-history.ts';

export interface SourceCommitsOptions {
  folders: BuildFolders;
  history: RunHistory;
  /** The values of a definition's secrets, by their names. */
  secretsOf(definition: BuildDefinition): Answer<Map<string, string>>;
  ending: AbortSignal;
}

/** What came to the sources of builds from one run to another. */
export class SourceCommits {
  readonly #options: SourceCommitsOptions;
  /** One git at a time works on a source's history. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: SourceCommitsOptions) {
    this.#options = options;
  }

  /** Errors: `not-found` for what the agent does not know, or what git says that it can't have; `refused`. */
  async between(input: CommitsBetweenInput, signal: AbortSignal): Answer<CommitsBetweenOutput> {
    const { folders, history, secretsOf, ending } = this.#options;
    const { service, build, limit } = input;
    const name = { service, build };
    const definition = history.definitionOf(name);
    if (definition === undefined) {
      return err({ code: 'not-found', message: `The build ${build} has not run on this agent yet.` });
    }
    const from = this.#commitOf(name, input.from);
    if (!from.ok) return from;
    const to = this.#commitOf(name, input.to);
    if (!to.ok) return to;
    const secrets = await secretsOf(definition);
    if (!secrets.ok) return secrets;
    const { commitsBetween, gitSourceOf } = await import('./build-tools.ts');
    const found = await this.#inTurn(buildKey(name), () =>
      commitsBetween({
        source: gitSourceOf(definition, secrets.value),
        folder: historyPath(folders, name),
        signal: AbortSignal.any([signal, ending]),
        from: from.value,
        to: to.value,
        limit,
      }),
    );
    if (!found.ok) return err({ code: 'not-found', message: found.error.message });
    return ok(from.value === to.value ? { direction: 'same', commits: [], more: false } : told(found.value));
  }

  #commitOf(name: BuildName, commitOrTag: string): Result<string, ProtocolError> {
    if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commitOrTag)) return ok(commitOrTag);
    const run = this.#options.history.of(name).find(({ tag }) => tag === commitOrTag);
    if (run?.commit !== undefined) return ok(run.commit.commit);
    return err({
      code: 'not-found',
      message: `This agent does not know which commit "${commitOrTag}" of ${name.build} is.`,
    });
  }

  #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(work);
    this.#turns.set(
      key,
      turn.catch(() => undefined),
    );
    return turn;
  }
}

function told({ added, removed, complete }: CommitsBetween): CommitsBetweenOutput {
  const more = !complete;
  if (removed.length === 0) return { direction: 'forward', commits: added, more };
  if (added.length === 0) return { direction: 'backward', commits: removed, more };
  return { direction: 'diverged', commits: added, more };
}
