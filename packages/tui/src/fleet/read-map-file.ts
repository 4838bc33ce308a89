import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { MAX_MAP_FILE_BYTES, type MapFile, type MapProblem, parseMapFile } from '@towline/core/map';
import { err, ok, type Result } from '@towline/core/result';

/** What is wrong with a map file: all that was found, or why it can't be read at all. */
export interface MapFileFailure {
  code: 'map-file-unreadable' | 'map-file-bad';
  message: string;
  problems: readonly MapProblem[];
}

/** A map file and the text that it was read from. */
export interface MapText {
  map: MapFile;
  text: string;
}

/** Reads and checks a map file. */
export async function readMapFile(path: string): Promise<Result<MapText, MapFileFailure>> {
  let bytes: Buffer;
  try {
    bytes = await readStart(path, MAX_MAP_FILE_BYTES + 1);
  } catch (error) {
    return err({ code: 'map-file-unreadable', message: unreadable(path, error), problems: [] });
  }
  const foreign = bytes.length > MAX_MAP_FILE_BYTES ? undefined : notUtf8(bytes);
  if (foreign !== undefined) {
    return err({
      code: 'map-file-bad',
      message: `The map file ${path} has one problem:`,
      problems: [foreign],
    });
  }
  const text = bytes.toString('utf8');
  const parsed = parseMapFile(text);
  if (parsed.ok) return ok({ map: parsed.value, text });
  const count = parsed.error.length === 1 ? 'one problem' : `${parsed.error.length} problems`;
  return err({ code: 'map-file-bad', message: `The map file ${path} has ${count}:`, problems: parsed.error });
}

/** No more than it takes to know that a file is too large: it may be any file, or one without an end. */
async function readStart(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(maxBytes);
    let length = 0;
    while (length < maxBytes) {
      const { bytesRead } = await file.read(buffer, length, maxBytes - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await file.close();
  }
}

/** Another encoding would be read as other words, and written back as such. */
function notUtf8(bytes: Buffer): MapProblem | undefined {
  if (isUtf8(bytes)) return undefined;
  let line = 1;
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    if (!isUtf8(bytes.subarray(start, end))) break;
    start = end + 1;
    line += 1;
  }
  return {
    line,
    column: 1,
    path: '',
    message: 'the text is not in UTF-8',
    expected: 'a file saved as UTF-8',
  };
}

const NEWLINE = 0x0a;

function unreadable(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return `There is no map file ${path}. \`towline map init\` writes one from what this machine's engine runs.`;
    case 'EACCES':
      return `You may not read the map file ${path}.`;
    case 'EISDIR':
      return `${path} is a folder. Give the map file in it.`;
    default:
      return `The map file ${path} can't be read: ${error instanceof Error ? error.message : String(error)}.`;
  }
}
