#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

const program = new URL('../dist/towline-agent.cjs', import.meta.url);
if (!existsSync(program)) {
  process.stderr.write('towline-agent: not built yet. Run `npm run setup` in the checkout first.\n');
  process.exit(1);
}
// By `import` its text would be read twice.
createRequire(import.meta.url)('../dist/towline-agent.cjs');
