import process from 'node:process';
import { brokenFrames, malformedMessages } from './attacks.ts';

/** `attack-main SOCKET`: attacks the agent there until it is ended, or for a minute; says so once it has begun. */
const target = { kind: 'unix', path: process.argv[2] ?? '' } as const;
const until = performance.now() + 60_000;
await malformedMessages(target, 100);
process.stdout.write('begun\n');
while (performance.now() < until)
  await Promise.all([malformedMessages(target, 5_000), brokenFrames(target, 50)]);
