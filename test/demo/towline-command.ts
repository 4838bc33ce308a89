import { execa } from 'execa';
import { type DemoPlace, TOWLINE } from './demo-place.ts';

/** Runs `towline` on the demo's map in this terminal, and returns its exit code. */
export async function towline(place: DemoPlace, args: readonly string[]): Promise<number> {
  const words = [TOWLINE, '--file', place.mapFile, ...args];
  const { exitCode } = await execa(process.execPath, words, { stdio: 'inherit', reject: false });
  return exitCode ?? 1;
}

/** What `towline` printed on stdout. Throws where its exit code is not 0. */
export async function readTowline(place: DemoPlace, args: readonly string[]): Promise<string> {
  const words = [TOWLINE, '--file', place.mapFile, ...args];
  const { stdout } = await execa(process.execPath, words, { stdin: 'ignore' });
  return stdout;
}
