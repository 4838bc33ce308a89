import { rm } from 'node:fs/promises';
import { removeSandboxesKeptFor } from '@towline/test/sandbox';
import type { DemoPlace } from './demo-place.ts';

/** Ends and removes all of the demo, however far it came. */
export async function takeDown(place: DemoPlace): Promise<void> {
  await removeSandboxesKeptFor(place.folder);
  await rm(place.folder, { recursive: true, force: true });
}
