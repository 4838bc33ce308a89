import type { Command } from 'commander';
import { type Context, fail, printJson, type Run, sayerOf } from './context.ts';
import { INTERRUPTED, interruptible } from './interruptible.ts';
import {
  agreed,
  goingOn,
  type OnMachineOptions,
  onMachine,
  stepCount,
  stepDocument,
  stepFailure,
  stepLines,
  waitForIdle,
} from './on-machine.ts';

interface UninstallOptions extends OnMachineOptions {
  keepHistory?: boolean;
}

export function addAgentUninstall(agent: Command, run: Run): void {
  agent
    .command('uninstall')
    .description('take the agent off a machine, after every command was shown')
    .argument('<url>', 'the machine: ssh://[user@]host[:port]')
    .option(
      '--keep-history',
      'but not its history: jobs, builds with their sources, caches and secrets, tokens',
    )
    .option('--wait', 'first wait for the jobs and builds that go on there')
    .option('--plan', 'show every command, and do nothing')
    .option('--yes', 'do not ask; needed where nobody is there to be asked')
    .action((url: string, options: UninstallOptions) => run((context) => uninstall(context, url, options)));
}

function uninstall(context: Context, url: string, options: UninstallOptions): Promise<number> {
  const onlyShown = options.plan === true;
  return onMachine(context, url, { plan: onlyShown }, async ({ install, machine, shell, to }) => {
    const { output } = context;
    const { scriptOf } = install;
    const keepHistory = options.keepHistory === true;
    const planned = install.planUninstall(machine, { keepHistory }, shell.name);
    if (!planned.ok) return fail(context, { ...planned.error, exitCode: 2 });
    const { steps, notes, place, running } = planned.value;
    const document = (state: string) =>
      printJson(context, {
        machine: shell.name,
        url,
        state,
        steps: steps.map((step) => stepDocument(step, scriptOf(step))),
        notes,
      });
    const only = onlyShown || steps.length === 0;
    const say = sayerOf(context, only);
    if (steps.length === 0) {
      if (context.options.json) await document('UNCHANGED');
      else await say(`${shell.name}: nothing was installed there.`);
      if (!context.options.json) for (const line of notes) await say(`Note: ${line}`);
      return 0;
    }
    const watch = running ? install.watchAgent(to(place.socket), context.version) : undefined;
    try {
      const going = await goingOn(install, watch);
      if (!context.options.json || !only) {
        await say(`${shell.name}: the agent goes, in ${stepCount(steps)}:`);
        for (const line of stepLines(steps, scriptOf)) await say(line);
        for (const line of notes) await say(`Note: ${line}`);
        if (watch !== undefined && watch.view().link.state !== 'connected') {
          await say('Note: the agent does not answer. A job that it had begun stays as it is.');
        }
        for (const line of going()) await say(`Goes on there: ${line}`);
      }
      if (only) {
        if (context.options.json) await document('PLANNED');
        return 0;
      }
      if (going().length > 0 && !options.wait) {
        // Nobody would go on with it, or undo it.
        const message = `${shell.name}: there goes on ${going().join('; ')}. Nothing was done; say --wait to wait for it.`;
        return await fail(context, { code: 'busy', message, exitCode: 2 });
      }
      const refused = await agreed(context, options, {
        question: 'Do it?',
        nothing: 'Nothing was done',
      });
      if (refused !== undefined) return refused;
      if (watch !== undefined && going().length > 0 && !(await waitForIdle(context, watch, going))) {
        output.note('Nothing was done.');
        return INTERRUPTED;
      }
    } finally {
      await watch?.close();
    }
    const done = await interruptible((leave) =>
      install.perform(steps, {
        shell,
        stream: () => {
          throw new Error('Nothing is sent to remove something.');
        },
        answers: async () => undefined,
        leave,
        onStep: ({ name }) => output.status(`${shell.name}: ${name}`),
      }),
    );
    output.status(undefined);
    if (!done.ok) {
      const more = ['What was removed is gone. The same command again does the rest.'];
      const lost = done.error.code === 'line-lost';
      await fail(context, stepFailure(done.error, more, lost ? 5 : 1));
      return done.error.code === 'interrupted' ? INTERRUPTED : lost ? 5 : 1;
    }
    if (context.options.json) await document('UNINSTALLED');
    else {
      const left =
        machine.history && keepHistory ? `its history stays in ${place.stateDir}` : 'nothing of it is left';
      await output.result(`${shell.name}: the agent is gone, and ${left}.`);
    }
    return 0;
  });
}
