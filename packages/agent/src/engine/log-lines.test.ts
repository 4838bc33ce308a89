import type { LogLine } from '@towline/core/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_LINE_BYTES, readLogLines } from './log-lines.ts';

const AT = '2026-01-02T03:04:05.678901234Z';

async function* inChunks(bytes: Uint8Array, cuts: readonly number[]) {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let at = 0;
  for (const end of ends) {
    yield bytes.subarray(at, end);
    at = end;
  }
}

const read = (bytes: Uint8Array, tty: boolean, cuts: readonly number[] = []) =>
  Array.fromAsync(readLogLines(inChunks(bytes, cuts), tty));

/** As the engine frames it, stream 1 or 2. */
function frame(stream: number, text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

const lineText = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n]/g, ''));

describe('without a TTY', () => {
  test('lines come whole, with their stream and time, wherever the chunks end', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.record({ stream: fc.constantFrom('stdout', 'stderr'), line: lineText })),
      fc.array(fc.nat()),
      async (lines, cuts) => {
        const frames = lines.map(({ stream, line }) => frame(stream === 'stderr' ? 2 : 1, `${AT} ${line}\n`));
        const expected = lines.map((line): LogLine => ({ at: AT, ...line }));
        expect(await read(Buffer.concat(frames), false, cuts)).toEqual(expected);
      },
    );
    await fc.assert(property);
  });

  test('a long line in parts, each with its own time, is one line with the first one’s', async () => {
    const later = '2026-01-02T03:04:06.000000000Z';
    const bytes = Buffer.concat([
      frame(1, `${AT} ${'a'.repeat(16384)}`),
      frame(2, `${later} another\n`),
      frame(1, `${later} ${'b'.repeat(10)}\n`),
    ]);
    expect(await read(bytes, false)).toEqual([
      { at: later, stream: 'stderr', line: 'another' },
      { at: AT, stream: 'stdout', line: `${'a'.repeat(16384)}${'b'.repeat(10)}` },
    ]);
  });

  test('a line is cut at its limit, and the next one is whole', async () => {
    const bytes = Buffer.concat([frame(1, `${AT} ${'x'.repeat(300_000)}\n`), frame(1, `${AT} next\n`)]);
    const lines = await read(bytes, false, [7, 50_000, 70_000, 200_000]);
    expect(lines.map((line) => line.line.length)).toEqual([MAX_LINE_BYTES, 4]);
  });

  test('the last line needs no newline, and an empty one is a line', async () => {
    const bytes = Buffer.concat([frame(1, `${AT} \n`), frame(2, `${AT} end`)]);
    expect(await read(bytes, false)).toEqual([
      { at: AT, stream: 'stdout', line: '' },
      { at: AT, stream: 'stderr', line: 'end' },
    ]);
  });

  test('what is not framed is refused', async () => {
    await expect(read(Buffer.from('plain text, no frames'), false)).rejects.toThrow('not in the form');
  });
});

describe('with a TTY', () => {
  test('lines come whole, without their carriage returns, wherever the chunks end', async () => {
    const property = fc.asyncProperty(fc.array(lineText), fc.array(fc.nat()), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((line) => `${AT} ${line}\r\n`).join(''));
      const expected = lines.map((line): LogLine => ({ at: AT, stream: 'stdout', line }));
      expect(await read(bytes, true, cuts)).toEqual(expected);
    });
    await fc.assert(property);
  });

  test('a line without a time is kept whole', async () => {
    const lines = await read(Buffer.from(`no time here\n${AT} with one\nlast`), true, [3, 20]);
    expect(lines.map(({ at, line }) => [at, line])).toEqual([
      ['', 'no time here'],
      [AT, 'with one'],
      [AT, 'last'],
    ]);
  });
});
