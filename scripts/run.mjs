// What `npm run …` calls. Plain JavaScript for the Node that a machine has, with no dependency: it brings the rest.
import { check, test } from './check.mjs';
import { needsRepair } from './dependencies.mjs';
import { Stopped, say } from './program.mjs';
import { program, setup } from './setup.mjs';

const [command = '', ...args] = process.argv.slice(2);

const COMMANDS = {
  setup: async () => {
    await setup({ engine: true, podman: true });
    say('Ready. `npx towline` and `npx towline-agent` work here; `npm run demo` shows them at work.');
    return 0;
  },
  build: async () => {
    await setup({ engine: false });
    return 0;
  },
  check: async () => {
    await setup({ engine: false });
    return await check();
  },
  test: async () => {
    await setup({ engine: true, podman: true });
    return await test();
  },
  bench: async () => {
    await setup({ engine: true });
    return await program('test/bench/main.ts', args);
  },
  demo: async () => {
    needsRoot();
    await setup({ engine: true });
    return await program('test/demo/main.ts', ['run']);
  },
  'demo:up': async () => {
    needsRoot();
    await setup({ engine: true });
    return await program('test/demo/main.ts', ['up']);
  },
  'demo:down': async () => {
    needsRoot();
    // What runs is taken down by programs that an interrupted set-up may have left half there.
    if (needsRepair()) await setup({ engine: false });
    return await program('test/demo/main.ts', ['down']);
  },
};

/** Said before anything is installed or built for it. */
function needsRoot() {
  if (process.platform === 'linux' && process.getuid() !== 0) {
    throw new Stopped(
      'The demo runs container engines of its own, which takes root: run it as root, or with sudo.',
    );
  }
}

try {
  const run = COMMANDS[command];
  if (run === undefined) {
    say(`There is no command "${command}". There are: ${Object.keys(COMMANDS).join(', ')}.`);
    process.exitCode = 64;
  } else {
    process.exitCode = await run();
  }
} catch (error) {
  const refused = error.code === 'EACCES' || error.code === 'EPERM' || error.code === 'EROFS';
  if (!(error instanceof Stopped) && !refused) throw error;
  say(
    refused
      ? `This user may not write to the checkout (${error.message}). Run it as its owner.`
      : error.message,
  );
  // Whoever reads the last line of `npm test` finds it there in every case.
  if (command === 'test') process.stdout.write('0 passed, 1 failed, 0 skipped\n');
  process.exitCode = error.exitCode ?? 1;
}
