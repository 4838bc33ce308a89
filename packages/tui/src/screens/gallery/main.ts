import process from 'node:process';
import { openDashboard } from '../index.ts';
import { SCENES } from './scenes.ts';
import { scriptedFleet } from './scripted-fleet.ts';

// The screens on a scripted fleet, for tests and for looking at: `gallery SCENE`.
const name = process.argv[2] ?? 'demo';
const scene = SCENES[name];
if (scene === undefined) {
  process.stderr.write(`no scene is called ${name}; there are ${Object.keys(SCENES).join(', ')}\n`);
  process.exit(64);
}
const fleet = scriptedFleet(scene());
process.exitCode = await openDashboard({ fleet, noColor: false });
await fleet.close();
