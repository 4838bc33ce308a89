import { expect, test } from 'vitest';
import { reasonOf, unreachable } from './engine-failure.ts';

test.each([
  [Object.assign(new Error('connect'), { code: 'ENOENT' }), 'no such socket; is the engine running?'],
  [
    Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
    'nothing listens there; is the engine running?',
  ],
  [Object.assign(new Error('read'), { code: 'ECONNRESET' }), 'it broke off in the middle of an answer.'],
  [new Error('It is closed.'), 'It is closed.'],
])('%s is a sentence with one end', (error, end) => {
  const { message } = unreachable(reasonOf(error), 'unix:///run/docker.sock');
  expect(message.endsWith(end)).toBe(true);
});
