import { engineSupport } from '@towline/test/sandbox';
import { bringUp, isUp } from './bring-up.ts';
import { checkoutDemo } from './demo-place.ts';
import { takeDown } from './take-down.ts';
import { towline } from './towline-command.ts';
import { deployedTags, notAtNewer, storefrontPage, updateAll } from './update-all.ts';

const place = checkoutDemo();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error(`Ended by ${signal}.`)));
}

process.exitCode = await main(process.argv[2] ?? '').catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  return interrupted.signal.aborted ? 130 : 1;
});

async function main(command: string): Promise<number> {
  if (command === 'down') {
    await takeDown(place);
    say('nothing is left of the demo.');
    return 0;
  }
  const support = await engineSupport();
  if (!support.ok) {
    say(support.error.message);
    return 1;
  }
  switch (command) {
    case 'up':
      return await up();
    case 'run':
      return process.stdin.isTTY && process.stdout.isTTY ? await runInTerminal() : await runHeadless();
    default:
      say('Say up, down or run.');
      return 64;
  }
}

async function up(): Promise<number> {
  if (await isUp(place)) say('it is up already.');
  else await bringUp(place, { onStep: say, signal: interrupted.signal });
  sayHowToGoOn();
  return 0;
}

/** A newcomer looks around, quits, and looks again: the demo stays until it is taken down. */
async function runInTerminal(): Promise<number> {
  const updated = (await isUp(place)) && (await notAtNewer(place)).length === 0;
  if (updated) say('everything is at its newest version already; bringing the demo up afresh.');
  if (updated || !(await isUp(place))) await bringUp(place, { onStep: say, signal: interrupted.signal });
  const code = await towline(place, []);
  sayHowToGoOn();
  return code;
}

/** Updates every server to its newer version (the storefront by building it), leaves nothing, and says what came of it. */
async function runHeadless(): Promise<number> {
  await bringUp(place, { onStep: say, signal: interrupted.signal });
  let outcome: Updated;
  try {
    outcome = await updateHeadless();
  } finally {
    say('taking the demo down');
    await takeDown(place);
  }
  const { code, problems, tags } = outcome;
  for (const problem of problems) say(problem);
  if (code !== 0 || problems.length > 0) {
    say(`not every server of the map runs the newer tag; the batch ended with ${code}.`);
    return code === 0 ? 1 : code;
  }
  say(`every server of the map now runs the newer tag: ${tags.join(', ')}.`);
  return 0;
}

interface Updated {
  code: number;
  problems: readonly string[];
  /** What every container runs now. */
  tags: readonly string[];
}

async function updateHeadless(): Promise<Updated> {
  say('the map as it is now:');
  await towline(place, ['status']);
  say(`the storefront’s page says: ${await storefrontPage(place)}`);
  say('updating every server of the map to its newer tag, the storefront by building it (towline batch)');
  const code = await updateAll(place);
  interrupted.signal.throwIfAborted();
  await towline(place, ['status']);
  say(`the storefront’s page says: ${await storefrontPage(place)}`);
  return { code, problems: await notAtNewer(place), tags: await deployedTags(place) };
}

function sayHowToGoOn(): void {
  say('it is up, with the map file .demo/towline.yaml and its logs under .demo/sandbox.');
  say('the dashboard: npx towline --file .demo/towline.yaml');
  say('the storefront has a newer commit than its image: Build & Deploy builds it.');
  say('to take it down: npm run demo:down');
}

function say(line: string): void {
  process.stdout.write(`demo: ${line}\n`);
}
