#!/usr/bin/env node
import { existsSync } from 'node:fs';

const program = new URL('../dist/towline-agent.js', import.meta.url);
if (!existsSync(program)) {
  process.stderr.write('towline-agent: not built yet. Run `npm run setup` in the checkout first.\n');
  process.exit(1);
}
await import(program.href);
