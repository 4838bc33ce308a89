import { setTimeout as sleep } from 'node:timers/promises';
import type { Result } from '@towline/core/result';
import type { AgentWatch, Machine, Step, StepFailure } from '../install/index.ts';
import {
  type AgentAddress,
  agentAddress,
  createTransports,
  type RemoteShell,
  type SshAddress,
  type Transport,
} from '../link/index.ts';
import { askOnStderr, passphraseAsker } from './ask-passphrase.ts';
import { type CommandFailure, type Context, canAsk, confirm, fail, usage } from './context.ts';
import { interruptible } from './interruptible.ts';

/** What both commands that change a machine take. */
export interface OnMachineOptions {
  plan?: boolean;
  yes?: boolean;
  wait?: boolean;
}

/** A machine that was asked what it is. */
export interface OpenMachine {
  shell: RemoteShell;
  machine: Machine;
  install: typeof import('../install/index.ts');
  /** The way to an agent's socket there. */
  to(socket: string): Result<Transport>;
  /** Another shell there where the line to the one before was lost: it is waited for, a minute at most. Errors: as a link tells them. */
  again(leave: AbortSignal): Promise<Result<RemoteShell>>;
}

/** A line that was cut comes back within that, or a person has to look. */
const BACK_MS = 60_000;
const RETRY_MS = 1_000;

/** Connects to the machine of a URL, asks it what it is, and leaves it when `work` is done. */
export async function onMachine(
  context: Context,
  url: string,
  { engineSocket, plan }: { engineSocket?: string | undefined; plan: boolean },
  work: (open: OpenMachine) => Promise<number>,
): Promise<number> {
  const address = agentAddress(url);
  // Of what is no url of an agent either, that it may be a socket or on the network is of no use here.
  if (!address.ok && url.startsWith('ssh:')) return fail(context, usage(address.error.message));
  const target = address.ok ? machineOf(address.value) : undefined;
  if (target === undefined) {
    return fail(
      context,
      usage(
        `"${url}" names no machine: it is ssh://[USER@]HOST[:PORT], without a path, as ssh://root@web-1.`,
      ),
    );
  }
  if (context.options.readOnly && !plan) {
    const message = 'The connection is read-only: nothing is changed there. Say --plan to see what would be.';
    return fail(context, { code: 'read-only', message, exitCode: 2 });
  }
  // As dear to load as the rest of SSH, and of no use to other commands.
  const install = await import('../install/index.ts');
  const askPassphrase = passphraseAsker(context, askOnStderr(context));
  const transports = createTransports({ env: context.env, askPassphrase });
  try {
    const shell = await transports.shell(target, new AbortController().signal);
    if (!shell.ok) return await fail(context, { ...shell.error, exitCode: 5 });
    const again = async (leave: AbortSignal) => {
      const over = AbortSignal.any([leave, AbortSignal.timeout(BACK_MS)]);
      for (;;) {
        const found = await transports.shell(target, over);
        if (found.ok || over.aborted) return found;
        await sleep(RETRY_MS, undefined, { signal: over }).catch(() => {});
      }
    };
    try {
      const told = await shell.value.run(install.machineQuestion(engineSocket));
      if (!told.ok) return await fail(context, { ...told.error, exitCode: 5 });
      const machine = install.readMachine(told.value.stdout, shell.value.name);
      if (!machine.ok) return await fail(context, { ...machine.error, exitCode: 1 });
      const to = (socket: string) => transports.to({ ...target, path: socket });
      return await work({ shell: shell.value, machine: machine.value, install, to, again });
    } finally {
      shell.value.close();
    }
  } finally {
    await transports.close();
  }
}

function machineOf(address: AgentAddress): SshAddress | undefined {
  return address.kind === 'ssh' && address.path === undefined ? address : undefined;
}

export function stepCount({ length }: readonly Step[]): string {
  return length === 1 ? 'one step' : `${length} steps`;
}

/** Every command and every file, as it is done. */
export function stepLines(steps: readonly Step[], script: (step: Step) => string | undefined): string[] {
  return steps.flatMap((step, at) => {
    const head = `${String(at + 1).padStart(3)}. ${step.name}`;
    const text = step.kind === 'write' ? step.text.trimEnd().split('\n') : [];
    return [
      head,
      ...(script(step)?.split('\n') ?? []).map((line) => `       $ ${line}`),
      ...text.map((line) => `       | ${line}`),
    ];
  });
}

/** A step in JSON. */
export function stepDocument(step: Step, script: string | undefined) {
  return {
    name: step.name,
    command: script ?? null,
    ...(step.kind === 'write' && { file: step.path, text: step.text }),
    ...(step.kind === 'send' && { file: step.path, bytes: step.bytes }),
  };
}

/** Asks whether it is to be done; what it ends with where it is not. */
export async function agreed(
  context: Context,
  options: OnMachineOptions,
  { question, nothing }: { question: string; nothing: string },
): Promise<number | undefined> {
  if (options.yes) return undefined;
  if (!canAsk(context)) {
    const message = `Nobody is there to confirm. ${nothing}; say --yes to do it, or --plan to see it alone.`;
    return fail(context, { ...usage(message), code: 'not-confirmed' });
  }
  if (await confirm(context, question)) return undefined;
  context.output.note(`${nothing}.`);
  return 2;
}

/** An agent that is there says what goes on within that. */
const TELLS_MS = 15_000;

/** What goes on at an agent, now and whenever it is asked, once it has told; nothing where there is none. */
export async function goingOn(
  install: OpenMachine['install'],
  watch: AgentWatch | undefined,
): Promise<() => string[]> {
  if (watch === undefined) return () => [];
  await watch.until(install.hasTold, AbortSignal.timeout(TELLS_MS));
  return () => install.activeWork(watch.view());
}

/** Waits until nothing goes on there; false where Ctrl-C came first, or the agent was lost for it. */
export async function waitForIdle(
  context: Context,
  watch: AgentWatch,
  activeWork: (watch: AgentWatch) => string[],
): Promise<boolean> {
  context.output.note('Waiting for what goes on there; Ctrl-C goes away, and nothing was done then.');
  return interruptible((leave) =>
    watch.until(({ link }) => {
      const work = activeWork(watch);
      if (work.length > 0) context.output.status(`Waiting for ${work[0]}`);
      return link.state === 'connected' && work.length === 0;
    }, leave),
  ).finally(() => context.output.status(undefined));
}

/** Why a step did not work, with what the machine said of it. */
export function stepFailure(
  failure: StepFailure,
  more: readonly string[],
  exitCode: 1 | 3 | 5,
): CommandFailure {
  return {
    code: failure.code,
    message: failure.message,
    exitCode,
    details: [...failure.said.map((line) => `  ${line}`), ...more],
    json: { step: failure.step.name, said: failure.said },
  };
}
