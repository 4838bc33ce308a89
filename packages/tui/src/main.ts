import { reportBug, runTowline } from './commands/index.ts';

const note = (line: string) => void process.stderr.write(`${line}\n`);
// What nobody awaited and nobody caught: the state is unknown then, and nothing is worth going on with.
process.on('uncaughtException', (error) => {
  // The dashboard gives the terminal back first, and throws it again.
  if (process.listenerCount('uncaughtException') > 1) return;
  process.exit(reportBug(error, note));
});
process.exitCode = await runTowline(process.argv.slice(2));
