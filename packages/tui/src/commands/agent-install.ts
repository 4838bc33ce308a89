import type { Hello } from '@towline/core/protocol';
import type { Command } from 'commander';
import type { AgentWatch, Cargo, InstallPlan, StepFailure } from '../install/index.ts';
import { type Context, fail, printJson, type Run, sayerOf } from './context.ts';
import { INTERRUPTED, interruptible } from './interruptible.ts';
import {
  agreed,
  goingOn,
  type OnMachineOptions,
  type OpenMachine,
  onMachine,
  stepCount,
  stepDocument,
  stepFailure,
  stepLines,
  waitForIdle,
} from './on-machine.ts';

interface InstallOptions extends OnMachineOptions {
  engine?: string;
  node?: string;
  now?: boolean;
  start?: boolean;
}

/** A new agent answers within that. */
const ANSWERS_MS = 45_000;
/** How often an exchange that lost its line is begun again. */
const MOST_TRIES = 3;

const UNKNOWN =
  'It was lost while the agents were exchanged: which of them runs is not known from here. The same command again looks, and does the rest.';

export function addAgentInstall(agent: Command, run: Run): void {
  agent
    .command('install')
    .description('put the agent on a machine, or a newer one in its place, after every command was shown')
    .argument('<url>', 'the machine: ssh://[user@]host[:port]')
    .option(
      '--engine <url>',
      'its engine’s socket: a path, unix:///path or tcp://host:port; else the one that it has, or the one found',
    )
    .option(
      '--node <file>',
      'the Node to send where the machine has none that fits; else the one that runs this',
    )
    .option('--start', 'where no systemd is there: start it all the same')
    .option('--wait', 'first wait for the jobs and builds that go on there')
    .option('--now', 'do not wait for them: jobs go on, or are undone, once it runs again; builds end')
    .option('--plan', 'show every command, and do nothing')
    .option('--yes', 'do not ask; needed where nobody is there to be asked')
    .action((url: string, options: InstallOptions) => run((context) => install(context, url, options)));
}

function install(context: Context, url: string, options: InstallOptions): Promise<number> {
  const only = options.plan === true;
  const engineSocket = /^(?:unix:\/\/)?(\/.*)$/.exec(options.engine ?? '')?.[1];
  return onMachine(context, url, { engineSocket, plan: only }, async (open) => {
    const cargo = await open.install.loadCargo(context.version, options.node);
    if (!cargo.ok) return fail(context, { ...cargo.error, exitCode: 1 });
    const { version, agentBytes, node } = cargo.value;
    const planned = open.install.planInstall(
      open.machine,
      {
        version,
        agentBytes,
        node,
        nodeNamed: options.node !== undefined,
        start: options.start === true,
        ...(options.engine !== undefined && { engine: options.engine }),
      },
      open.shell.name,
    );
    if (!planned.ok) return fail(context, { ...planned.error, exitCode: 2 });
    const plan = planned.value;
    const watch = plan.restarts
      ? open.install.watchAgent(open.to(plan.place.socket), context.version)
      : undefined;
    try {
      return await carryOut({ context, url, options, open, cargo: cargo.value, plan, watch });
    } finally {
      await watch?.close();
    }
  });
}

function nothingStarts(start: string, url: string): string {
  return `Nothing starts it. As its user, there: ${start} Or from here: towline agent install ${url} --start`;
}

interface Installing {
  context: Context;
  url: string;
  options: InstallOptions;
  open: OpenMachine;
  cargo: Cargo;
  plan: InstallPlan;
  /** The agent that runs there already. */
  watch: AgentWatch | undefined;
}

async function carryOut(installing: Installing): Promise<number> {
  const { context, url, options, open, cargo, plan, watch } = installing;
  const { output } = context;
  const { install, shell } = open;
  const { scriptOf } = install;
  const only = options.plan === true || plan.steps.length === 0;
  const document = (state: string, more: object = {}) =>
    printJson(context, {
      machine: shell.name,
      url,
      state,
      version: cargo.version,
      before: plan.before ?? null,
      engine: plan.engine,
      engineBefore: plan.engineBefore ?? null,
      steps: plan.steps.map((step) => stepDocument(step, scriptOf(step))),
      notes: plan.notes,
      start: plan.start ?? null,
      ...more,
    });
  const exchanges = plan.between.to > plan.between.from;
  const going = await goingOn(install, exchanges ? watch : undefined);

  const say = sayerOf(context, only);
  if (plan.steps.length === 0) {
    if (context.options.json) await document('UNCHANGED');
    else {
      await say(`${shell.name}: agent ${cargo.version} is there already${watch ? ', and runs' : ''}.`);
      if (!watch && plan.start !== undefined) await say(nothingStarts(plan.start, url));
    }
    return 0;
  }
  if (!context.options.json || !only) {
    const same = plan.before === undefined || plan.before === cargo.version;
    const instead = same ? '' : ` in the place of ${plan.before}`;
    await say(`${shell.name}: agent ${cargo.version}${instead}, in ${stepCount(plan.steps)}:`);
    for (const line of stepLines(plan.steps, scriptOf)) await say(line);
    for (const line of plan.notes) await say(`Note: ${line}`);
    if (exchanges && watch !== undefined && watch.view().link.state !== 'connected') {
      await say(
        'Note: the agent there does not answer. What it has begun goes on, or is undone, once one runs.',
      );
    }
    for (const line of going()) await say(`Goes on there: ${line}`);
  }
  if (only) {
    if (context.options.json) await document('PLANNED', { goesOn: going() });
    return 0;
  }

  if (going().length > 0 && plan.engineBefore !== undefined && !options.wait) {
    // On another engine it would find nothing to go on with, nor to undo.
    const message = `${shell.name}: there goes on ${going().join('; ')}. Nothing was done: what has begun on ${plan.engineBefore} ends there, before the agent gets another engine. Say --wait to wait for it.`;
    return fail(context, { code: 'busy', message, exitCode: 2 });
  }
  const refused = await agreed(context, options, {
    question: going().length > 0 && !options.wait ? 'Do it, and interrupt what goes on?' : 'Do it?',
    nothing: 'Nothing was done',
  });
  if (refused !== undefined) return refused;
  if (going().length > 0 && !options.now && (options.wait || options.yes)) {
    if (!options.wait) {
      const message = `${shell.name}: there goes on ${going().join('; ')}. Nothing was done; say --wait to wait for it, or --now to restart the agent in the middle: jobs go on or are undone then, and builds end.`;
      return fail(context, { code: 'busy', message, exitCode: 2 });
    }
    if (watch !== undefined && !(await waitForIdle(context, watch, going))) {
      output.note('Nothing was done.');
      return INTERRUPTED;
    }
  }
  return perform(installing, document);
}

async function perform(
  { context, url, open, cargo, plan, watch }: Installing,
  document: (state: string, more?: object) => Promise<void>,
): Promise<number> {
  const { output } = context;
  const { install, to } = open;
  const { from, to: end } = plan.between;
  let { shell } = open;
  let current = watch;
  let last: Hello | undefined = watch?.view().hello;
  const answers = async () => {
    current ??= install.watchAgent(to(plan.place.socket), context.version);
    const another = await current.until(
      (view) => install.isAnother(view, last),
      AbortSignal.timeout(ANSWERS_MS),
    );
    const { link, hello } = current.view();
    if (another && link.state === 'connected') {
      last = hello;
      return undefined;
    }
    return 'message' in link ? link.message : 'The agent that was there before still answers.';
  };
  const options = (leave: AbortSignal) => ({
    shell,
    stream: cargo.stream,
    answers,
    leave,
    onStep: ({ name }: { name: string }) => output.status(`${shell.name}: ${name}`),
  });

  /** All steps. Where the line is lost while the agents are exchanged, that is begun again once it is back. */
  const steps = async (leave: AbortSignal) => {
    let at = 0;
    const onStep = ({ name }: { name: string }, place: number) => {
      at = place;
      output.status(`${shell.name}: ${name}`);
    };
    leave.addEventListener(
      'abort',
      () => {
        if (at >= from && at < end)
          output.note('The exchange is ended first, or undone; Ctrl-C again leaves it in the middle.');
      },
      { once: true },
    );
    for (let start = 0, tries = 0; ; start = from, tries++) {
      const done = await install.perform(
        plan.steps,
        { ...options(leave), onStep },
        { whole: plan.between, start },
      );
      if (done.ok || done.error.code !== 'line-lost' || tries === MOST_TRIES) return done;
      if (done.error.at < from || done.error.at >= end) return done;
      output.status(`The line to ${shell.name} was lost: waiting for it`);
      const again = await open.again(leave);
      if (!again.ok) return done;
      shell = again.value;
    }
  };

  try {
    const done = await interruptible(steps);
    output.status(undefined);
    return done.ok ? await finished() : await failed(done.error);
  } finally {
    output.status(undefined);
    if (watch === undefined) await current?.close();
  }

  async function failed(failure: StepFailure): Promise<number> {
    const within = hasBegun(failure) && failure.at < end;
    if (failure.code !== 'step-failed') {
      const lost = failure.code === 'line-lost';
      await fail(context, stepFailure(failure, within && lost ? [UNKNOWN] : left(failure), lost ? 5 : 1));
      return lost ? 5 : INTERRUPTED;
    }
    const words = within ? await shell.run(plan.lastWords) : undefined;
    const said = words?.ok
      ? words.value.stdout
          .split('\n')
          .filter(Boolean)
          .map((line) => `  ${line}`)
      : [];
    if (!within || plan.back.length === 0) {
      return await fail(context, stepFailure(failure, [...said, ...left(failure)], 1));
    }
    const back = await install.perform(plan.back, options(new AbortController().signal));
    output.status(undefined);
    if (back.ok) {
      const serves = `Agent ${plan.before} is back, and ${plan.restarts ? 'answers' : 'is current'}.`;
      return await fail(context, stepFailure(failure, [...said, serves], 3));
    }
    const how = [
      ...said,
      `Agent ${plan.before} could not be brought back either: ${back.error.message}`,
      ...back.error.said.map((line) => `  ${line}`),
      'By hand, there:',
      ...stepLines(plan.back, install.scriptOf),
    ];
    return await fail(context, stepFailure(failure, how, 1));
  }

  /** Whether the exchange was: nothing is interrupted in it, but before its first step. */
  function hasBegun({ code, at }: StepFailure): boolean {
    return code === 'interrupted' ? at > from : at >= from;
  }

  /** What is there now, and what to do. */
  function left(failure: StepFailure): string[] {
    const again = 'The same command again does the rest';
    const begun = end > from && hasBegun(failure);
    if (begun && failure.at >= end) {
      return [`Agent ${cargo.version} is installed${current ? ', and answers' : ''}. ${again}.`];
    }
    if (!begun && plan.restarts) return [`The agent that was there runs as before. ${again}.`];
    const tries = begun && open.machine.systemd ? 'systemd goes on trying to start it. ' : '';
    return [`${tries}${again}; \`towline agent uninstall ${url}\` removes what is there.`];
  }

  async function finished(): Promise<number> {
    const engine = last?.engine;
    const runs = current !== undefined;
    if (context.options.json) {
      await document('INSTALLED', { runs });
      return 0;
    }
    await output.result(`${shell.name}: agent ${cargo.version} is installed${runs ? ', and answers' : ''}.`);
    if (engine?.state === 'unreachable') output.note(`Its engine does not answer: ${engine.message}`);
    if (!runs && plan.start !== undefined) await output.result(nothingStarts(plan.start, url));
    if (plan.before === undefined)
      await output.result(`For the map file: agents: { NAME: { url: "${url}" } }`);
    return 0;
  }
}
