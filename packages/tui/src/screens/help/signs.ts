import type { Context } from '../../keys/index.ts';
import { ARMED } from '../glyphs.ts';

/** What a screen shows without a word beside it that says what it means. */
export interface Sign {
  sign: string;
  words: string;
  contexts: readonly Context[];
}

const SIGNS: readonly Sign[] = [
  {
    sign: `${ARMED.glyph} armed`,
    words: 'this stage would run if it were executed now',
    contexts: ['pipeline'],
  },
  { sign: '·', words: 'no tag is chosen yet', contexts: ['pipeline'] },
  { sign: '–', words: 'nothing yet: no build has run, or nothing is deployed', contexts: ['pipeline'] },
  { sign: '?', words: 'behind a state: as last seen, its agent is away', contexts: ['pipeline'] },
  {
    sign: '(…)',
    words: 'a key in brackets can do nothing now, and says why',
    contexts: ['pipeline', 'job', 'build-log'],
  },
];

export function signsIn(context: Context): Sign[] {
  return SIGNS.filter(({ contexts }) => contexts.includes(context));
}
