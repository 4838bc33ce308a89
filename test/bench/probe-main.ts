import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks a page again and again until it was away once and is back, and prints for how many milliseconds: from the last
 * answer before to the first one after. A program of its own, because it runs in a host's network.
 * Words: the address, and a file to make once the page was there.
 */
const [address = '', readyFile = ''] = process.argv.slice(2);
/** As closely as it looks; the two cores are the engine's as well. */
const EVERY_MS = 2;
/** A connection that the engine's proxy took for a container that has just gone is never answered. */
const ANSWER_MS = 50;
const PATIENCE_MS = 60_000;

const began = performance.now();
let lastAnswer: number | undefined;
let away = false;
while (performance.now() - began < PATIENCE_MS) {
  const answered = await ask();
  const at = performance.now();
  if (answered && away && lastAnswer !== undefined) {
    process.stdout.write(`${at - lastAnswer}\n`);
    process.exit(0);
  }
  if (answered && lastAnswer === undefined) writeFileSync(readyFile, '');
  if (answered) lastAnswer = at;
  else away = lastAnswer !== undefined;
  await sleep(EVERY_MS);
}
process.stderr.write('The page did not go away and come back.\n');
process.exit(1);

function ask(): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = get(address, { agent: false, timeout: ANSWER_MS }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode === 200));
      answer.once('error', () => resolve(false));
    });
    asking.once('timeout', () => asking.destroy());
    asking.once('error', () => resolve(false));
  });
}
