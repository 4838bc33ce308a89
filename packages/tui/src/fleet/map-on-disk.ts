import { readFile } from 'node:fs/promises';
import type { MapFile, MapProblem } from '@towline/core/map';
import { err, type Failure, ok, type Result } from '@towline/core/result';
import writeFileAtomic from 'write-file-atomic';
import { type MapFileFailure, type MapText, readMapFile } from './read-map-file.ts';

/**
 * Why the map file was not saved or read again: `map-file-changed`, `map-file-unwritable`, `other-agents`,
 * `no-map-file`, `read-only`; the codes of reading it; those of `editBuild`; those of asking the agent what is locked.
 */
export interface SaveFailure extends Failure {
  /** Where what was read is no map file. */
  problems?: readonly MapProblem[];
}

/** A map file as it was read, so that a change by somebody else is seen. */
export interface MapOnDisk {
  map(): MapFile;
  /** Whether the file is as it was read; one that can't be read now is not said to be another. */
  isCurrent(): Promise<boolean>;
  /** Writes what `edit` makes of its text, unless the file is another by now. One after the other. */
  change(edit: (text: string) => Result<string, Failure>): Promise<Result<MapFile, SaveFailure>>;
  /** What is not accepted is as if it had not been read. */
  reload(accept: (map: MapFile) => Result<void, SaveFailure>): Promise<Result<MapFile, SaveFailure>>;
}

export function mapOnDisk(path: string, read: MapText): MapOnDisk {
  let known = read;
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    return mine;
  };
  const reload: MapOnDisk['reload'] = async (accept) => {
    const now = await readMapFile(path);
    if (!now.ok) return err({ ...now.error, message: inOneSentence(now.error) });
    const accepted = accept(now.value.map);
    if (!accepted.ok) return accepted;
    known = now.value;
    return ok(known.map);
  };
  return {
    map: () => known.map,
    isCurrent: () =>
      inTurn(async () => {
        const now = await readFile(path).catch(() => undefined);
        return now === undefined || now.equals(Buffer.from(known.text));
      }),
    change: (edit) =>
      inTurn(async () => {
        const edited = edit(known.text);
        if (!edited.ok) return edited;
        const written = await replaceText(path, known.text, edited.value);
        return written.ok ? await reload(() => ok(undefined)) : written;
      }),
    reload: (accept) => inTurn(() => reload(accept)),
  };
}

/**
 * Puts a text in the place of another, whole or not at all: beside it, flushed, and then renamed over it. The file's
 * mode and owner stay, and a link stays one.
 */
async function replaceText(path: string, expected: string, next: string): Promise<Result<void, SaveFailure>> {
  try {
    // As bytes: a text that is no UTF-8 would be another one after it was read and written.
    const now = await readFile(path);
    if (!now.equals(Buffer.from(expected))) {
      return err({
        code: 'map-file-changed',
        message: `The map file ${path} was changed by somebody else since it was read. Nothing was saved: read it again, and then save.`,
      });
    }
    if (next !== expected) await writeFileAtomic(path, next);
    return ok(undefined);
  } catch (error) {
    return err({ code: 'map-file-unwritable', message: unwritable(path, error) });
  }
}

/** For a screen with room for a sentence: the first problem stands for all, which `towline map check` lists. */
function inOneSentence({ message, problems: [first] }: MapFileFailure): string {
  if (first === undefined) return message;
  return `${message} line ${first.line}: ${first.message}; expected ${first.expected}.`;
}

function unwritable(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return `The map file ${path} is not there any more. Nothing was saved.`;
    case 'EACCES':
    case 'EPERM':
      return `You may not write the map file ${path}, or into its folder. Nothing was saved.`;
    case 'EROFS':
      return `The map file ${path} is on a file system that can't be written. Nothing was saved.`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `There is no space left for the map file ${path}. It is as it was.`;
    default:
      return `The map file ${path} can't be written: ${error instanceof Error ? error.message : String(error)}. It is as it was.`;
  }
}
