import type { MapDefinition, ServiceDefinition } from '@towline/core/map';
import { combineExitCodes, type ExitCode } from '@towline/core/plan';
import type { Pruned, PruneList, PruneRules } from '@towline/core/protocol';
import type { Command } from 'commander';
import { bytes } from '../components/quantity.ts';
import type { CallFailure } from '../fleet/index.ts';
import { exitCodeOfCall } from './call-exit-code.ts';
import { type Context, canAsk, confirm, fail, printJson, type Run, sayerOf, usage } from './context.ts';
import { wholeNumber } from './whole-number.ts';
import { withMap } from './with-fleet.ts';

interface PruneOptions {
  keep: number;
  olderThan: number;
  previous?: boolean;
  yes?: boolean;
  list?: boolean;
}

export function addPrune(program: Command, run: Run): void {
  program
    .command('prune')
    .description("remove what deployments left over of the map's images, after it was shown")
    .option('--keep <n>', 'as many of the newest that nothing uses stay, of each image', wholeNumber, 3)
    .option('--older-than <days>', 'nothing younger is removed', wholeNumber, 0)
    .option('--previous', 'also the previous containers, which a rollback would start again')
    .option('--list', 'show it, and do nothing')
    .option('--yes', 'do not ask; needed where nobody is there to be asked')
    .action((options: PruneOptions) => run((context) => prune(context, options)));
}

/** What an agent said, or why it said nothing. */
interface Answer<T> {
  agent: string;
  rules: PruneRules;
  value?: T;
  failure?: CallFailure;
}

function prune(context: Context, options: PruneOptions): Promise<number> {
  return withMap(context, async ({ fleet, service, map }) => {
    const { output } = context;
    const found = await Promise.all(
      agentRules(service, map, options).map(async ([agent, rules]): Promise<Answer<PruneList>> => {
        const list = await fleet.pruneList(agent, rules);
        return list.ok ? { agent, rules, value: list.value } : { agent, rules, failure: list.error };
      }),
    );
    for (const { agent, failure } of found) {
      if (failure !== undefined) output.note(`towline: ${agent}: ${failure.message}`);
    }
    for (const { agent, value } of found) {
      for (const { name, message } of value?.stays ?? []) output.note(`${agent}: ${name} stays: ${message}.`);
    }
    const code = exitCodeOf(found);
    const some = found.filter(({ value }) => value !== undefined && countOf(value) > 0);
    const only = options.list === true || some.length === 0;
    if (!context.options.json || !only) {
      const say = sayerOf(context, only);
      for (const line of listLines(some)) await say(line);
    }
    if (only) {
      if (context.options.json) await printJson(context, { agents: found.map(document) });
      return code;
    }
    if (!options.yes) {
      if (!canAsk(context)) {
        const message =
          'Nobody is there to confirm. Nothing was removed; say --yes to remove it, or --list to see it alone.';
        return fail(context, { ...usage(message), code: 'not-confirmed' });
      }
      if (!(await confirm(context, 'Remove it?'))) {
        output.note('Nothing was removed.');
        return 2;
      }
    }
    const done = await Promise.all(
      some.map(async ({ agent, rules, value }): Promise<Answer<Pruned>> => {
        const shown = {
          containers: (value?.containers ?? []).map(({ id }) => id),
          images: (value?.images ?? []).map(({ id }) => id),
        };
        const pruned = await fleet.prune(agent, { ...rules, shown });
        return pruned.ok ? { agent, rules, value: pruned.value } : { agent, rules, failure: pruned.error };
      }),
    );
    for (const { agent, value, failure } of done) {
      if (failure !== undefined) output.note(`towline: ${agent}: ${failure.message}`);
      for (const { name, message } of value?.left ?? [])
        output.note(`${agent}: ${name} is there still: ${message}`);
      if (value !== undefined && !context.options.json) {
        await output.result(
          `${agent}: ${countWords(value.removed)} removed${leastWords(value.removed, ' freed')}.`,
        );
      }
    }
    if (context.options.json) {
      const others = found.filter(({ agent }) => !done.some((each) => each.agent === agent));
      await printJson(context, { agents: [...done, ...others.map(nothingDone)].map(document) });
    }
    return combineExitCodes([code, exitCodeOf(done)]);
  });
}

/** For each agent of the map what is its own of it. */
function agentRules(
  service: ServiceDefinition,
  map: MapDefinition,
  { keep, olderThan, previous = false }: PruneOptions,
): [string, PruneRules][] {
  const agents = Map.groupBy(map.servers, ({ agent }) => agent);
  return [...agents].map(([agent, servers]) => [
    agent,
    {
      service: service.name,
      map: map.name,
      containers: servers.flatMap(({ containers }) =>
        containers.map(({ name, image }) => ({ container: name, image })),
      ),
      keep,
      olderThanDays: olderThan,
      previous,
    },
  ]);
}

export function listLines(answers: readonly Pick<Answer<PruneList>, 'agent' | 'value'>[]): string[] {
  if (answers.length === 0) return ['Nothing is left over.'];
  return answers.flatMap(({ agent, value = { containers: [], images: [] } }) => [
    `${agent}: ${countWords(value)}${leastWords(value)}:`,
    ...value.containers.map(({ name, bytes: own }) => `  container ${name}  ${bytes(own)}`),
    ...value.images.map(({ names, bytes: own, createdAt }) => {
      const tags = names.filter((name) => !name.includes('@'));
      return `  image ${(tags.length > 0 ? tags : names).join(', ')}  ${bytes(own)}  of ${createdAt.slice(0, 10)}`;
    }),
  ]);
}

function countOf({ containers, images }: PruneList): number {
  return containers.length + images.length;
}

/** How much it comes to; nothing where it has no bytes of its own, as that says nothing. */
function leastWords(list: PruneList, done = ''): string {
  const own = bytesOf(list);
  return own === 0 ? '' : `, at least ${bytes(own)}${done}`;
}

function bytesOf({ containers, images }: PruneList): number {
  return [...containers, ...images].reduce((sum, each) => sum + each.bytes, 0);
}

function countWords({ containers, images }: PruneList): string {
  const count = (many: number, one: string) => (many === 0 ? [] : [`${many} ${one}${many === 1 ? '' : 's'}`]);
  const words = [...count(containers.length, 'container'), ...count(images.length, 'image')];
  return words.length === 0 ? 'nothing' : words.join(' and ');
}

/** An agent where there was nothing to remove, or that did not say what there is. */
function nothingDone({ value: _, ...answer }: Answer<PruneList>): Answer<Pruned> {
  const nothing = { removed: { containers: [], images: [] }, left: [] };
  return answer.failure === undefined ? { ...answer, value: nothing } : answer;
}

function document({ agent, value, failure }: Answer<object>) {
  if (failure !== undefined) return { agent, failure: { code: failure.code, message: failure.message } };
  return { agent, ...value };
}

function exitCodeOf(answers: readonly Answer<unknown>[]): ExitCode {
  return combineExitCodes(
    answers.map(({ failure }) => (failure === undefined ? 0 : exitCodeOfCall(failure))),
  );
}
