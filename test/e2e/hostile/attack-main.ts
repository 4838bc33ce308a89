import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { brokenFrames, floodOfStrangers, malformedMessages } from './attacks.ts';

/**
 * `attack-main rubbish SOCKET`, `attack-main flood PORT CA-FILE`: attacks the agent there until it is ended, or for a minute; says
 * so once it has begun.
 */
const [how, where = '', caFile = ''] = process.argv.slice(2);
const attack = how === 'flood' ? await flood(Number(where), caFile) : rubbish(where);
const until = performance.now() + 60_000;
await attack(1);
process.stdout.write('begun\n');
while (performance.now() < until) await attack(50);

function rubbish(path: string) {
  const target = { kind: 'unix', path } as const;
  return (much: number) => Promise.all([malformedMessages(target, 100 * much), brokenFrames(target, much)]);
}

async function flood(port: number, file: string) {
  const from = Array.from({ length: 40 }, (_, at) => `127.0.9.${at + 1}`);
  const target = { kind: 'tls', port, ca: await readFile(file, 'utf8'), from } as const;
  return (much: number) => floodOfStrangers(target, 20 * much, 20);
}
