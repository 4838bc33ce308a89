import type { LogWindow, WindowLine } from './log-window.ts';

/** A part of a long line, beyond its beginning: from one byte of it to another. */
export interface LinePart {
  from: number;
  to: number;
  raw: string;
}

/** The long line that is read: some parts of it that follow each other. Of all other lines there is the beginning. */
export interface OpenLine {
  seq: number;
  parts: readonly LinePart[];
}

/** What is in memory of a log. */
export interface LogText {
  window: LogWindow;
  open: OpenLine | undefined;
  /** Whether there is a way to what is not in memory: the lines around it, and the rest of long ones. */
  more: boolean;
}

/** A part of a line that is in memory, or one that is not. `from` and `to` are bytes of the line. */
export type Piece =
  | { kind: 'text'; from: number; to: number; of: WindowLine | LinePart }
  | { kind: 'gap'; from: number; to: number };

/** All of a line, from its first byte to its last. */
function piecesOf(line: WindowLine, parts: readonly LinePart[]): readonly [Piece, ...Piece[]] {
  const { cut } = line;
  const beginning: Piece = { kind: 'text', from: 0, to: cut?.at ?? line.raw.length, of: line };
  if (cut === undefined) return [beginning];
  const pieces: [Piece, ...Piece[]] = [beginning];
  let to = cut.at;
  for (const part of parts) {
    if (part.from > to) pieces.push({ kind: 'gap', from: to, to: part.from });
    pieces.push({ kind: 'text', from: part.from, to: part.to, of: part });
    to = part.to;
  }
  if (to < cut.bytes) pieces.push({ kind: 'gap', from: to, to: cut.bytes });
  return pieces;
}

/** The pieces of a line that is in the window; undefined where it is not. */
export function piecesAt({ window, open }: LogText, seq: number): readonly [Piece, ...Piece[]] | undefined {
  const line = window.lines[seq - window.first];
  if (line === undefined) return undefined;
  return piecesOf(line, open?.seq === seq ? open.parts : []);
}
