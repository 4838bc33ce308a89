import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readNdjson } from './ndjson.ts';

async function* inChunks(bytes: Uint8Array, cuts: readonly number[]) {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let at = 0;
  for (const end of ends) {
    yield bytes.subarray(at, end);
    at = end;
  }
}

const read = (text: string, cuts: readonly number[] = []) =>
  Array.fromAsync(readNdjson(inChunks(Buffer.from(text), cuts)));

test('entries come whole wherever the chunks end, in the middle of a character too', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.record({ text: fc.string({ unit: 'grapheme' }), n: fc.integer() })),
    fc.array(fc.nat()),
    fc.constantFrom('\n', '\r\n'),
    fc.boolean(),
    async (entries, cuts, newline, ended) => {
      const text = entries.map((entry) => JSON.stringify(entry)).join(newline) + (ended ? newline : '');
      expect(await read(text, cuts)).toEqual(entries);
    },
  );
  await fc.assert(property);
});

test('blank lines are no entries', async () => {
  expect(await read('\n\n{"a":1}\n\n  \n{"a":2}')).toEqual([{ a: 1 }, { a: 2 }]);
});

test('a stream that ends in the middle of an entry is not one that is done', async () => {
  await expect(read('{"status":"Pulling"}\n{"status":"Pull com')).rejects.toThrow('broke off in the middle');
});

test('what is not JSON is an error, and so is an entry without an end', async () => {
  await expect(read('{"a":1}\noh no\n{"a":2}\n')).rejects.toThrow('not JSON');
  await expect(read(`{"a":"${'x'.repeat(5 * 1024 * 1024)}`)).rejects.toThrow('without an end');
});

test('the entries before a failure of the stream are told, and the failure is', async () => {
  async function* broken() {
    yield Buffer.from('{"a":1}\n');
    throw new Error('cut off');
  }
  const seen: unknown[] = [];
  const reading = async () => {
    for await (const entry of readNdjson(broken())) seen.push(entry);
  };
  await expect(reading()).rejects.toThrow('cut off');
  expect(seen).toEqual([{ a: 1 }]);
});
