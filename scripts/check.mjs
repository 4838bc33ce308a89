import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { NODE } from './dependencies.mjs';
import { ROOT, runProgram } from './program.mjs';

const CHECKS = [
  ['format and lint', 'biome', ['check', '.']],
  // From nothing: what it kept from before a change of the compiler's own options is not made anew.
  ['types', 'tsc', ['-b', '--force']],
  ['unused code and dependencies', 'knip', ['--no-progress']],
];

/** The checks that need no engine; 0 where all passed. */
export async function check() {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  await runChecks(counts, CHECKS.length);
  return counts.failed === 0 ? 0 : 1;
}

/**
 * Every check and every test, all of them also where one fails. The last line that it prints is the sum; a check counts
 * as one, so that nothing fails with `0 failed`.
 */
export async function test() {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const stages = CHECKS.length + 2;
  await runChecks(counts, stages);
  await stage(`unit tests (${CHECKS.length + 1}/${stages})`, counts, () => runTests('unit', counts));
  await stage(`tests on a real engine (${CHECKS.length + 2}/${stages})`, counts, () =>
    runTests('engine', counts),
  );
  process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  return counts.failed === 0 ? 0 : 1;
}

async function runChecks(counts, stages) {
  for (const [at, [title, command, args]] of CHECKS.entries()) {
    await stage(`${title} (${at + 1}/${stages})`, counts, async () => {
      const code = await runProgram(command, args);
      if (code === 0) counts.passed += 1;
      else counts.failed += 1;
    });
  }
}

async function stage(title, counts, run) {
  process.stdout.write(`\n── ${title}\n`);
  const { failed } = counts;
  const startedAt = Date.now();
  await run();
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`── ${title}: ${counts.failed === failed ? 'passed' : 'FAILED'} in ${seconds} s\n`);
}

async function runTests(project, counts) {
  const report = join(ROOT, 'node_modules', `.towline-report-${project}.json`);
  rmSync(report, { force: true });
  try {
    const args = ['run', '--project', project, '--reporter=default', '--reporter=json'];
    // It colours what goes into a file or a pipe as well.
    if (!process.stdout.isTTY) args.push('--no-color');
    const code = await runProgram('vitest', [...args, `--outputFile.json=${report}`]);
    const found = count(report);
    counts.passed += found.passed;
    counts.skipped += found.skipped;
    // What fails outside of a test, such as a file that does not load or a leak at the end, fails nonetheless.
    counts.failed += found.failed === 0 && code !== 0 ? 1 : found.failed;
  } finally {
    rmSync(report, { force: true });
    if (project === 'engine') await runProgram(NODE, [join(ROOT, 'test/sandbox/sweep-main.ts')]);
  }
}

function count(report) {
  let files;
  try {
    files = JSON.parse(readFileSync(report, 'utf8')).testResults;
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
  const tests = files.flatMap((file) => file.assertionResults);
  const broken = files.filter((file) => file.status === 'failed' && !file.assertionResults.some(failed));
  const passed = tests.filter((test) => test.status === 'passed').length;
  const failures = tests.filter(failed).length;
  return {
    passed,
    failed: failures + broken.length,
    skipped: tests.length - passed - failures,
  };
}

function failed(test) {
  return test.status === 'failed';
}
