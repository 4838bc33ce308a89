import { describeEngine, findEngine } from '@towline/core/engine';
import type { Machine } from './machine.ts';

/** The words of it that say with which engine an agent is, or was, started. */
type Told = Pick<Machine, 'systemd' | 'unit' | 'startFile' | 'agent'>;

/**
 * The engine that the agent there was installed with: of what starts it; of one that was installed before there was such a file, of
 * the process. Undefined where none of them says it.
 */
export function installedEngine({ systemd, unit, startFile, agent }: Told): string | undefined {
  const [byUnit, byFile] = [inUnit(unit), inStartFile(startFile)];
  return (systemd ? (byUnit ?? byFile) : (byFile ?? byUnit)) ?? runningEngine(agent);
}

/** The engine of the process that runs. */
export function runningEngine(agent: Machine['agent']): string | undefined {
  // Of /proc: words without quotes.
  return canonical(/ --engine[ =](.+?)(?= --|$)/.exec(agent?.command ?? '')?.[1]);
}

/** What a person's own words for systemd start the agent with, where they begin it otherwise than the unit: its engine, if they name one. */
export function editedStart({ systemd, unitEdits }: Machine): { engine?: string } | undefined {
  if (!systemd || unitEdits === undefined || !/^ExecStart=[ \t]*\S/m.test(unitEdits)) return undefined;
  const engine = inUnit(unitEdits);
  return engine === undefined ? {} : { engine };
}

/** The reverse of how a unit writes a word. */
function inUnit(text: string | undefined): string | undefined {
  const start = [...(text ?? '').matchAll(/^ExecStart=.*? --engine[ =]("(?:\\.|[^"\\])*"|\S+)/gm)].at(-1);
  const word = start?.[1];
  if (word === undefined) return undefined;
  const bare = word.startsWith('"') ? word.slice(1, -1) : word;
  return canonical(bare.replace(/\\(.)|%(%)|\$(\$)/g, '$1$2$3'));
}

/** The reverse of how a shell's word is written. */
function inStartFile(text: string | undefined): string | undefined {
  const word = / --engine ('.*'|\S+) >>/.exec(text ?? '')?.[1];
  return canonical(word?.startsWith("'") ? word.slice(1, -1).replaceAll("'\\''", "'") : word);
}

function canonical(engine: string | undefined): string | undefined {
  if (engine === undefined) return undefined;
  const target = findEngine({ option: engine, env: {}, exists: () => false });
  return target.ok ? describeEngine(target.value) : undefined;
}
