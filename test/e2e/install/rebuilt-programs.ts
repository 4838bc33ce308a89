import { cp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { programFiles } from '@towline/test/sandbox';
import { execa } from 'execa';
import type { CliPlace } from '../cli/towline-process.ts';

/** A copy of the programs, of which the agent can be another. */
export interface RebuiltPrograms {
  /** What comes next is with an agent that was changed so. */
  rebuild(change: AgentChange): Promise<void>;
  start(...args: string[]): ReturnType<typeof startIn>;
  /** `towline` as after a new build, whose agent was changed so. */
  withAgent(change: AgentChange, ...args: string[]): Promise<Awaited<ReturnType<typeof startIn>>>;
}

type AgentChange = (agent: string) => string;

export async function copyPrograms(place: CliPlace): Promise<RebuiltPrograms> {
  const folder = join(place.dir, 'packages');
  const shipped = join(dirname(programFiles().towline), '../..');
  const agent = 'agent/dist/towline-agent.cjs';
  await cp(shipped, folder, { recursive: true });
  const rebuild = async (change: AgentChange) =>
    await writeFile(join(folder, agent), change(await readFile(join(shipped, agent), 'utf8')));
  const start = (...args: string[]) => startIn(place, [join(folder, 'tui/bin/towline.js'), ...args]);
  return {
    rebuild,
    start,
    async withAgent(change, ...args) {
      await rebuild(change);
      return await start(...args);
    },
  };
}

function startIn({ dir, env }: CliPlace, words: readonly string[]) {
  return execa(process.execPath, words, {
    cwd: dir,
    env,
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
  });
}

export const newer: AgentChange = (agent) => `${agent}\n// newer\n`;
export const newest: AgentChange = (agent) => `${agent}\n// newest\n`;
export const broken: AgentChange = (agent) =>
  `if (!process.argv.includes('--version')) throw new Error('broken on purpose');\n${agent}`;
/** It goes on at this file. */
export const held =
  (go: string): AgentChange =>
  (agent) =>
    `if (!process.argv.includes('--version')) {
      const { existsSync } = require('node:fs');
      const pause = new Int32Array(new SharedArrayBuffer(4));
      while (!existsSync(${JSON.stringify(go)})) Atomics.wait(pause, 0, 0, 20);
    }\n${agent}`;
