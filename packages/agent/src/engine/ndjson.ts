/** In characters; an entry of more than this is not one that an engine writes. */
const MAX_ENTRY = 4 * 1024 * 1024;

/**
 * The JSON values of a stream with one on each line, read to the stream's end. Throws where the stream breaks off, in
 * the middle of an entry too: a stream that is cut short must never pass for one that is done.
 */
export async function* readNdjson(stream: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_ENTRY) throw new Error('the stream has an entry without an end');
    for (const line of lines) {
      if (line.trim() !== '') yield parse(line, 'the stream has an entry that is not JSON');
    }
  }
  rest += decoder.decode();
  if (rest.trim() !== '') yield parse(rest, 'the stream broke off in the middle of an entry');
}

function parse(line: string, problem: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(problem);
  }
}
