import { randomUUID } from 'node:crypto';
import { runBuildOutputSchema } from '@towline/core/answers';
import type { BuildDefinition, BuildStepKind } from '@towline/core/build';
import { type AgentLink, buildEvents, buildLogLines } from '@towline/tui/link';
import { appendEntries, EMPTY_WINDOW } from '@towline/tui/screens/log-view';
import { now } from './engine-http.ts';

/** Runs one step of a build by an agent: the milliseconds that it took its caller, from the call to the run's end. */
export async function runStep(
  link: AgentLink,
  definition: BuildDefinition,
  step: BuildStepKind,
): Promise<number> {
  const began = now();
  await ended(link, await begin(link, definition, step));
  return now() - began;
}

/** The same, with its log followed into what a screen keeps of it. Returns how many lines that has. */
export async function runStepWithLog(
  link: AgentLink,
  definition: BuildDefinition,
  step: BuildStepKind,
  onLine: (line: string, at: number) => void = () => {},
): Promise<{ wall: number; lines: number }> {
  const began = now();
  const run = await begin(link, definition, step);
  const over = ended(link, run);
  let window = EMPTY_WINDOW;
  const log = link.follow(buildLogLines({ run, step }, 'first'), new AbortController().signal);
  for await (const entries of log) {
    window = appendEntries(window, entries, undefined);
    const at = now();
    for (const { text } of entries) onLine(text, at);
  }
  await over;
  return { wall: now() - began, lines: window.total };
}

async function begin(link: AgentLink, definition: BuildDefinition, only: BuildStepKind): Promise<string> {
  const input = { key: randomUUID(), service: 'bench', operator: 'bench', definition, only };
  const begun = await link.insist(
    (client) => client.runBuild.mutate(input),
    runBuildOutputSchema,
    'The benchmark does not know whether its build was begun.',
  );
  if (!begun.ok) throw new Error(begun.error.message);
  return begun.value.runId;
}

async function ended(link: AgentLink, run: string): Promise<void> {
  let state: string | undefined;
  let reason = '';
  for await (const event of link.follow(buildEvents(run), new AbortController().signal)) {
    if (event.type === 'step-ended') reason = event.error?.message ?? reason;
    if (event.type === 'ended') state = event.state;
  }
  if (state !== 'DONE') throw new Error(`The build ended ${state}: ${reason}`);
}
