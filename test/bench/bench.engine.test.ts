import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('./main.ts', import.meta.url));

test('the benchmark measures every way, and says how far each goal is; how fast is not a test’s business', async () => {
  const rounds = ['--rounds', '1', '--probe-rounds', '1', '--watch-rounds', '1'];
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, '--json', ...rounds]);
  const report = JSON.parse(stdout);
  for (const view of ['wall', 'gap', 'probe']) {
    for (const way of ['towline', 'api', 'command']) expect(report[view][way].median).toBeGreaterThan(0);
  }
  expect(report.watch.agent.count).toBe(2);
  expect(report.goals).toHaveLength(5);
  for (const { goal, measured } of report.goals) expect(`${goal}: ${measured}`).toMatch(/\d/);
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
