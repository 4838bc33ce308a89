const PREFIX = 'towline-agent: ';

/**
 * What an agent that did not start said last, out of its log: its refusal where there is one, else the last line; a line
 * of JSON is its message.
 */
export function lastWord(log: string): string | undefined {
  const lines = log
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const line = lines.findLast((text) => text.startsWith(PREFIX)) ?? lines.at(-1);
  if (line === undefined) return undefined;
  return line.startsWith(PREFIX) ? line.slice(PREFIX.length) : (messageIn(line) ?? line);
}

function messageIn(line: string): string | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    const known = typeof entry === 'object' && entry !== null && 'msg' in entry;
    return known && typeof entry.msg === 'string' ? entry.msg : undefined;
  } catch {
    return undefined;
  }
}
