import { expect, test } from 'vitest';
import { createPassphraseDesk, type PassphraseQuestion } from './passphrase-desk.ts';

function desk() {
  const told: (PassphraseQuestion | undefined)[] = [];
  return { told, ...createPassphraseDesk((question) => told.push(question)) };
}

test('a question is told, and answered once', async () => {
  const { ask, answer, told } = desk();
  const asking = ask('Passphrase?', new AbortController().signal);
  expect(told).toEqual([{ id: 1, text: 'Passphrase?' }]);
  answer(7, 'another');
  answer(1, 'sesame');
  answer(1, 'again');
  expect(await asking).toBe('sesame');
  expect(told).toEqual([{ id: 1, text: 'Passphrase?' }, undefined]);
});

test('one whose link is closed is taken back', async () => {
  const { ask, told } = desk();
  const closing = new AbortController();
  const asking = ask('Passphrase?', closing.signal);
  closing.abort();
  expect(await asking).toBeUndefined();
  expect(told.at(-1)).toBeUndefined();
  expect(await ask('Another?', closing.signal)).toBeUndefined();
});
