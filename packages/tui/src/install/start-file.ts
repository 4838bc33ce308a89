import { shellWord } from '../link/index.ts';
import type { Place } from './place.ts';
import { agentWords } from './unit.ts';

/** What starts the agent where no systemd does: the counterpart of its unit, in the folder of its programs. */
export function startFile({ prefix }: Place): string {
  return `${prefix}/start`;
}

/** What it writes, which the journal of systemd would have. */
export function logOf({ stateDir }: Place): string {
  return `${stateDir}/agent.log`;
}

export function startText(place: Place, engine: string): string {
  const words = agentWords(place, engine).map(plainWord).join(' ');
  return `${[
    '#!/bin/sh',
    'umask 077',
    `mkdir -p ${plainWord(place.stateDir)}`,
    `exec ${words} >>${plainWord(logOf(place))} 2>&1 </dev/null`,
  ].join('\n')}\n`;
}

/** It goes on when the shell that ran it ends. */
export function startWords(place: Place): string {
  return `setsid ${plainWord(startFile(place))}`;
}

/** For a person at a shell. */
export function startByHand(place: Place): string {
  return `(${startWords(place)} &)`;
}

/** As people write it where it needs no quotes. */
function plainWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : shellWord(text);
}
