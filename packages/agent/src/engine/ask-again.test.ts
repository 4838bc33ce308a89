import { expect, test } from 'vitest';
import { askAgain } from './ask-again.ts';
import { EngineError } from './engine.ts';

/** Fails with these, one after the other, and then tells. */
function failing(...errors: readonly Error[]) {
  const left = [...errors];
  let asked = 0;
  const ask = async () => {
    asked++;
    const error = left.shift();
    if (error !== undefined) throw error;
    return 'told';
  };
  return { ask, asked: () => asked };
}

const refused = (message: string) => new EngineError('engine', message, 500);

test('what an engine can’t tell in the middle of something is asked for until it can', async () => {
  const { ask, asked } = failing(
    refused('no such container'),
    refused('a disk usage operation is already running'),
  );
  expect(await askAgain(ask)).toBe('told');
  expect(asked()).toBe(3);
});

test.each([
  new EngineError('not-found', 'No such container: web', 404),
  new EngineError('unreachable', 'The engine can’t be reached: no such container'),
  new EngineError('conflict', 'the container is already running', 409),
  refused('driver failed programming external connectivity'),
  new Error('no such container'),
])('%s is told at once', async (error) => {
  const { ask, asked } = failing(error);
  await expect(askAgain(ask)).rejects.toBe(error);
  expect(asked()).toBe(1);
});
