import { plainText } from './plain-text.ts';
import { TerminalLines } from './terminal-lines.ts';

/** A line of output as a person would have seen it, without its colours: for a reason, which is read in many places. */
export function lineAsSeen(line: string): string {
  const seen: string[] = [];
  const terminal = new TerminalLines((lines) => seen.push(Buffer.from(lines).toString('utf8')));
  terminal.write(Buffer.from(line));
  terminal.end();
  return plainText(seen.join('')).replaceAll('\n', '');
}

/** As `lineAsSeen`, of several lines. */
export function textAsSeen(text: string): string {
  return text.split('\n').map(lineAsSeen).join('\n');
}
