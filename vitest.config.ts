import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { PATIENCE_MS } from './test/patience.ts';
import { engineSupport, podmanSupport } from './test/sandbox/engine-support.ts';

const support = await engineSupport();
const skipEngine = !support.ok && !process.env.CI;

if (!support.ok) {
  const rule = '!'.repeat(100);
  const what = skipEngine
    ? 'All tests that need an engine are SKIPPED.'
    : 'Tests that need an engine will fail.';
  process.stderr.write(`${rule}\n${what}\n${support.error.message}\n${rule}\n`);
}

const podman = await podmanSupport();
if (support.ok && !podman.ok) {
  const rule = '!'.repeat(100);
  const what = process.env.CI ? 'Tests on Podman will fail.' : 'All tests on Podman are SKIPPED.';
  process.stderr.write(`${rule}\n${what}\n${podman.error.message}\n${rule}\n`);
}

/** The longest first, or one of them runs alone at the end: of a checkout's first run vitest knows no times. */
const LONGEST = [
  'image/push.engine.test.ts',
  'gallery.test.ts',
  'killed-at-step.engine.test.ts',
  'jobs/killed.engine.test.ts',
  'fidelity.engine.test.ts',
  'bench.engine.test.ts',
  'faults.engine.test.ts',
  'demo.engine.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((end) => moduleId.endsWith(end));
      return at === -1 ? LONGEST.length : at;
    };
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}

const patient = { setupFiles: ['test/wait-patiently.ts'], expect: { poll: { timeout: PATIENCE_MS } } };

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.{ts,tsx}', 'test/**/*.test.{ts,tsx}'],
          exclude: ['**/node_modules/**', '**/dist/**', '**/*.engine.test.ts'],
          // Some start programs or terminals, on a machine that may have other things to do.
          testTimeout: 60_000,
          // By default one core less than there are, which on two cores is one.
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
          ...patient,
        },
      },
      {
        test: {
          name: 'engine',
          include: ['packages/*/src/**/*.engine.test.ts', 'test/**/*.engine.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          // For what hangs: the longest take 26 s where all three workers have one core between them.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // A test on an engine waits for much of its time: one more than two cores keeps both busy.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
          ...patient,
          // A pattern that matches no test: each is listed as skipped, and no hook runs.
          ...(skipEngine ? { testNamePattern: /(?!)/ } : { globalSetup: ['test/sandbox/vitest-setup.ts'] }),
        },
      },
    ],
  },
});
