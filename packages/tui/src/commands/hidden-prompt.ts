import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

/** Asks on stderr, and shows nothing of what is typed. Ctrl-C and the end of the input are no answer. */
export async function promptHidden(
  stdin: NodeJS.ReadStream,
  question: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: stdin, output: silent, terminal: true, historySize: 0 });
  const ended = new AbortController();
  const end = () => ended.abort();
  reader.once('close', end);
  reader.once('SIGINT', end);
  signal?.addEventListener('abort', end, { once: true });
  process.stderr.write(question);
  try {
    return await reader.question('', { signal: ended.signal });
  } catch {
    return undefined;
  } finally {
    process.stderr.write('\n');
    signal?.removeEventListener('abort', end);
    reader.close();
  }
}
