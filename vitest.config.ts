import { defineConfig } from 'vitest/config';
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

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.{ts,tsx}', 'test/**/*.test.{ts,tsx}'],
          exclude: ['**/node_modules/**', '**/dist/**', '**/*.engine.test.ts'],
          // Some start programs or terminals, on a machine that may have other things to do.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'engine',
          include: ['packages/*/src/**/*.engine.test.ts', 'test/**/*.engine.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // Engines and registries share the machine's cores with the tests.
          maxWorkers: 2,
          // A pattern that matches no test: each is listed as skipped, and no hook runs.
          ...(skipEngine ? { testNamePattern: /(?!)/ } : { globalSetup: ['test/sandbox/vitest-setup.ts'] }),
        },
      },
    ],
  },
});
