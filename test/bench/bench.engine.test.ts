import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** A bound for a machine that has other tests to run. */
const MINUTES = 60_000;
const PROGRAM = fileURLToPath(new URL('./main.ts', import.meta.url));

test('the benchmark measures every way, and says how far each goal is; how fast is not a test’s business', {
  timeout: 3 * MINUTES,
}, async () => {
  const builds = ['--build-rounds', '1', '--contexts', 'small', '--log-rounds', '1', '--log-lines', '2000'];
  const links = ['--link-rounds', '1', '--link-lines', '2000', '--agents', '1,2', '--idle', '1'];
  const rounds = ['--rounds', '1', '--probe-rounds', '1', '--watch-rounds', '1', ...builds, ...links];
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, '--json', ...rounds]);
  const { replacements: report, builds: built, links: linked, goals } = JSON.parse(stdout);
  for (const view of ['wall', 'gap', 'probe']) {
    for (const way of ['towline', 'api', 'command']) expect(report[view][way].median).toBeGreaterThan(0);
  }
  expect(report.watch.agent.count).toBe(2);
  expect(built.walls).toHaveLength(2);
  for (const { towline, command } of [...built.walls, built.imageLog, built.commandLog]) {
    expect(towline.median).toBeGreaterThan(0);
    expect(command.median).toBeGreaterThan(0);
  }
  for (const way of ['unix', 'ssh', 'plainSsh']) {
    expect(linked.roundTrip[way].median).toBeGreaterThan(0);
    expect(linked.lines[way].median).toBeGreaterThan(0);
  }
  expect(linked.status.map(({ agents }: { agents: number }) => agents)).toEqual([1, 2]);
  expect(linked.attacked.rubbish.median).toBeGreaterThan(0);
  expect(linked.attacked.flood.median).toBeGreaterThan(0);
  expect(linked.ratios.memory).toBeGreaterThan(0);
  expect(goals).toHaveLength(10);
  for (const { goal, measured } of goals) expect(`${goal}: ${measured}`).toMatch(/\d/);
});

test('words that are off are said to be', async () => {
  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, [PROGRAM, '--rounds', 'many'], (error, _, stderr) =>
      resolve({ code: error?.code, stderr }),
    );
  });
  expect(code).toBe(64);
  expect(stderr).toContain('npm run bench');
});
