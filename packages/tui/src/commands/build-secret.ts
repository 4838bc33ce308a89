import { isSecretName } from '@towline/core/build';
import type { Command } from 'commander';
import { dateTime } from '../components/quantity.ts';
import { callFailed } from './call-exit-code.ts';
import { type CommandFailure, type Context, fail, printJson, type Run, usage } from './context.ts';
import { readSecret } from './read-secret.ts';
import { formatTable } from './table.ts';
import { type OpenBuilds, withBuilds } from './with-fleet.ts';

interface SecretOptions {
  agent?: string;
}

const AGENT = ['--agent <agent>', 'the agent that has it; not needed where all builds are of one'] as const;

export function addBuildSecret(build: Command, run: Run): void {
  const secret = build
    .command('secret')
    .description("the agents' secrets for builds: written, and never read back")
    .helpCommand(false);
  secret
    .command('put')
    .description('write a secret; its value comes from stdin, or is asked for without showing it')
    .argument('<name>', 'as the map file names it')
    .option(...AGENT)
    .action((name: string, options: SecretOptions) =>
      run((context) => withBuilds(context, (open) => put(context, open, name, options))),
    );
  secret
    .command('list')
    .description('list the names of the secrets that the agents have')
    .option('--agent <agent>', 'of this agent; else of all that build')
    .action((options: SecretOptions) =>
      run((context) => withBuilds(context, (open) => list(context, open, options))),
    );
  secret
    .command('remove')
    .description('remove a secret')
    .argument('<name>', 'as the map file names it')
    .option(...AGENT)
    .action((name: string, options: SecretOptions) =>
      run((context) => withBuilds(context, (open) => remove(context, open, name, options))),
    );
}

async function put(
  context: Context,
  open: OpenBuilds,
  name: string,
  { agent: wanted }: SecretOptions,
): Promise<number> {
  const agent = oneAgent(open, wanted);
  if (typeof agent !== 'string') return fail(context, agent);
  if (!isSecretName(name)) {
    return fail(
      context,
      usage(`"${name}" is no name of a secret. Write letters, digits and _ . -, 100 at most.`),
    );
  }
  const value = await readSecret(context, name);
  if (!value.ok) return fail(context, { ...value.error, exitCode: 1 });
  const answer = await open.fleet.putSecret(agent, name, value.value);
  if (!answer.ok) return fail(context, callFailed(answer.error));
  const { masked } = answer.value;
  if (context.options.json) await printJson(context, { name, agent, masked });
  else await context.output.result(`${name} is on ${agent}.`);
  if (!masked) {
    context.output.note('The value is too short to be hidden where it turns up in the output of a build.');
  }
  return 0;
}

/** Ends with 5 where an agent could not be reached: its names are missing then. */
async function list(context: Context, open: OpenBuilds, { agent: wanted }: SecretOptions): Promise<number> {
  const agents = wanted === undefined ? agentsOf(open) : [oneAgent(open, wanted)];
  const known = agents.filter((agent) => typeof agent === 'string');
  const [unknown] = agents.filter((agent) => typeof agent !== 'string');
  if (unknown !== undefined) return fail(context, unknown);
  const answers = await Promise.all(
    known.map(async (agent) => ({ agent, answer: await open.fleet.secretNames(agent) })),
  );
  const secrets = answers.flatMap(({ agent, answer }) =>
    answer.ok ? answer.value.map(({ name, updatedAt }) => ({ name, agent, updatedAt })) : [],
  );
  const unreachable = answers.flatMap(({ agent, answer }) => (answer.ok ? [] : [{ agent, ...answer.error }]));
  const rows = secrets.map(({ name, agent, updatedAt }) => [name, agent, dateTime(updatedAt)]);
  if (context.options.json) await printJson(context, { secrets, unreachable });
  else for (const line of formatTable(['NAME', 'AGENT', 'WRITTEN'], rows)) await context.output.result(line);
  for (const { agent, message } of unreachable) context.output.note(`towline: ${agent}: ${message}`);
  return unreachable.length > 0 ? 5 : 0;
}

async function remove(
  context: Context,
  open: OpenBuilds,
  name: string,
  { agent: wanted }: SecretOptions,
): Promise<number> {
  const agent = oneAgent(open, wanted);
  if (typeof agent !== 'string') return fail(context, agent);
  const answer = await open.fleet.removeSecret(agent, name);
  if (!answer.ok) return fail(context, callFailed(answer.error));
  if (context.options.json) await printJson(context, { name, agent, removed: true });
  else await context.output.result(`${name} is not on ${agent} any more.`);
  return 0;
}

function agentsOf({ builds }: OpenBuilds): string[] {
  return [...new Set(builds.map(({ definition }) => definition.agent))];
}

function oneAgent(open: OpenBuilds, wanted: string | undefined): string | CommandFailure {
  if (wanted !== undefined) {
    const names = Object.keys(open.fleet.store.getState().agents);
    return names.includes(wanted)
      ? wanted
      : usage(`The map file has no agent ${wanted}. It has ${names.join(', ')}.`);
  }
  const [only, ...more] = agentsOf(open);
  if (only === undefined) return usage(`The service ${open.service.name} has no builds. Name an --agent.`);
  if (more.length === 0) return only;
  return usage(`The builds are of several agents: choose with --agent one of ${[only, ...more].join(', ')}.`);
}
