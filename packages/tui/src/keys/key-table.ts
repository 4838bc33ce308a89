import type { Key } from './key.ts';

/** Where a key is pressed: the screen or dialog on top, or the text field in it. */
export const CONTEXTS = [
  'pipeline',
  'maps',
  'versions',
  'images',
  'execute',
  'plan',
  'batch',
  'job',
  'jobs',
  'logs',
  'build-log',
  'build-steps',
  'step-picker',
  'edit-build',
  'confirm',
  'details',
  'help',
  'field',
  'text',
] as const;
export type Context = (typeof CONTEXTS)[number];

export type Command =
  | 'down'
  | 'up'
  | 'page-down'
  | 'page-up'
  | 'half-down'
  | 'half-up'
  | 'first'
  | 'last'
  | 'open'
  | 'back'
  | 'filter'
  | 'help'
  | 'quit'
  | 'abort'
  | 'suspend'
  | 'edit-tag'
  | 'clear-tag'
  | 'versions'
  | 'mode'
  | 'confirm-build'
  | 'execute'
  | 'batch'
  | 'job'
  | 'jobs'
  | 'details'
  | 'logs'
  | 'maps'
  | 'next-button'
  | 'press'
  | 'yes'
  | 'cancel-job'
  | 'restore-server'
  | 'edit-build'
  | 'build-log'
  | 'cancel-build'
  | 'next-tab'
  | 'previous-tab'
  | 'tab'
  | 'search'
  | 'search-next'
  | 'search-previous'
  | 'first-error'
  | 'steps'
  | 'note'
  | 'older-run'
  | 'newer-run'
  | 'save'
  | 'reload'
  | 'run-build'
  | 'run-step'
  | 'clear-source'
  | 'clear-cache'
  | 'change'
  | 'new-line'
  | 'caret-up'
  | 'caret-down'
  | 'retry'
  | 'wrap'
  | 'line-end'
  | 'line-start'
  | 'follow'
  | 'accept'
  | 'restore'
  | 'caret-left'
  | 'caret-right'
  | 'caret-start'
  | 'caret-end'
  | 'delete-before'
  | 'delete-after'
  | 'delete-word'
  | 'delete-to-start';

export interface Binding {
  command: Command;
  keys: readonly Key[];
  /** What it does, as help says it. */
  words: string;
  /** Its one or two words in the footer; none where it is not worth the room. */
  short?: string;
  contexts: readonly Context[];
}

const LISTS: readonly Context[] = [
  'pipeline',
  'maps',
  'versions',
  'images',
  'batch',
  'job',
  'jobs',
  'logs',
  'build-log',
  'build-steps',
  'step-picker',
  'edit-build',
  'plan',
  'details',
  'help',
];
const SCREENS: readonly Context[] = [
  'pipeline',
  'maps',
  'batch',
  'job',
  'jobs',
  'logs',
  'build-log',
  'edit-build',
];
/** Questions with two buttons. */
const QUESTIONS: readonly Context[] = ['execute', 'plan', 'confirm'];
/** Where text is typed: a printable key types there, whatever it does elsewhere. */
const TYPING: readonly Context[] = ['field', 'text'];
const OVER: readonly Context[] = CONTEXTS.filter((context) => !TYPING.includes(context));
const LOGS: readonly Context[] = ['logs', 'build-log'];

/** Every key of the dashboard: what handles a key, what the footer shows and what help prints are this list. */
export const KEY_TABLE: readonly Binding[] = [
  // Worth most first: the footer drops from the end.
  {
    command: 'open',
    keys: ['enter'],
    words: 'type a tag, pick an image, or check Confirm Execute; on a server, its job, or all of its row',
    contexts: ['pipeline'],
  },
  {
    command: 'restore-server',
    keys: ['B'],
    words: "bring a degraded server's old version back, once more; asks first",
    short: 'Restore',
    contexts: ['pipeline', 'job'],
  },
  {
    command: 'execute',
    keys: ['x'],
    words: 'Execute this task, or all armed ones of this server',
    short: 'Execute',
    contexts: ['pipeline'],
  },
  {
    command: 'batch',
    keys: ['b', 'X'],
    words: 'Batch Execute: the plan of all armed tasks first',
    short: 'Batch Execute',
    contexts: ['pipeline'],
  },
  {
    command: 'reload',
    keys: ['R'],
    words: 'read the map file again',
    short: 'Reload map',
    contexts: ['pipeline'],
  },
  {
    command: 'retry',
    keys: ['r'],
    words: 'try agents that are away again, now',
    short: 'Try again',
    contexts: ['pipeline'],
  },
  {
    command: 'confirm-build',
    keys: ['space'],
    words: 'Confirm Execute, for Build & Deploy',
    short: 'Confirm',
    contexts: ['pipeline'],
  },
  { command: 'edit-tag', keys: ['t'], words: 'type a tag', short: 'Tag', contexts: ['pipeline'] },
  {
    command: 'versions',
    keys: ['v'],
    words: 'pick a version, with its commits for a built image',
    short: 'Versions',
    contexts: ['pipeline'],
  },
  {
    command: 'clear-tag',
    keys: ['backspace', 'delete'],
    words: 'take the chosen tag back',
    contexts: ['pipeline'],
  },
  { command: 'mode', keys: ['m'], words: 'the next image mode', short: 'Mode', contexts: ['pipeline'] },
  {
    command: 'build-log',
    keys: ['L'],
    words: 'the log of the last build run',
    short: 'Build log',
    contexts: ['pipeline'],
  },
  { command: 'edit-build', keys: ['e'], words: 'Edit Build', short: 'Edit Build', contexts: ['pipeline'] },
  {
    command: 'details',
    keys: ['i'],
    words: 'all of this row: its reason, image and agent in full',
    short: 'Info',
    contexts: ['pipeline'],
  },
  { command: 'logs', keys: ['l'], words: "the container's own log", short: 'Logs', contexts: ['pipeline'] },
  {
    command: 'job',
    keys: ['o'],
    words: 'the job of the server, running or last',
    short: 'Job',
    contexts: ['pipeline'],
  },
  { command: 'open', keys: ['enter'], words: 'close it', contexts: ['details'] },
  { command: 'retry', keys: ['r'], words: 'try agents that are away again, now', contexts: ['details'] },
  { command: 'jobs', keys: ['J'], words: 'all jobs, newest first', contexts: ['pipeline', 'job', 'batch'] },
  { command: 'maps', keys: ['s'], words: 'another service or application map', contexts: ['pipeline'] },

  { command: 'open', keys: ['enter'], words: 'show this map', short: 'Open', contexts: ['maps'] },
  { command: 'open', keys: ['enter'], words: 'take this version', short: 'Choose', contexts: ['versions'] },
  { command: 'open', keys: ['enter'], words: 'take this image', short: 'Choose', contexts: ['images'] },
  { command: 'open', keys: ['enter'], words: 'open the job', short: 'Job', contexts: ['jobs'] },
  {
    command: 'open',
    keys: ['enter'],
    words: 'open the job, or the build log',
    short: 'Open',
    contexts: ['batch'],
  },
  {
    command: 'open',
    keys: ['enter'],
    words: 'run this step alone',
    short: 'Run it',
    contexts: ['step-picker'],
  },
  {
    command: 'open',
    keys: ['enter'],
    words: 'jump to it in the log',
    short: 'Jump',
    contexts: ['build-steps'],
  },

  {
    command: 'change',
    keys: ['enter', 'space'],
    words: 'change this field: type, switch or go on to the next choice',
    short: 'Change',
    contexts: ['edit-build'],
  },
  {
    command: 'save',
    keys: ['s', 'ctrl-s'],
    words: 'save to the map file',
    short: 'Save',
    contexts: ['edit-build'],
  },
  { command: 'run-build', keys: ['r'], words: 'run the build now', short: 'Run', contexts: ['edit-build'] },
  {
    command: 'run-step',
    keys: ['o'],
    words: 'run one step alone',
    short: 'One step',
    contexts: ['edit-build'],
  },
  {
    command: 'clear-source',
    keys: ['d'],
    words: 'clear the source that its agent keeps; asks first',
    short: 'Clear source',
    contexts: ['edit-build'],
  },
  {
    command: 'clear-cache',
    keys: ['D'],
    words: 'clear the caches that its agent keeps; asks first',
    short: 'Clear cache',
    contexts: ['edit-build'],
  },
  {
    command: 'reload',
    keys: ['R'],
    words: 'read the map file again; asks before it drops a change',
    short: 'Reload',
    contexts: ['edit-build'],
  },
  {
    command: 'build-log',
    keys: ['L'],
    words: 'the log of its last run',
    short: 'Log',
    contexts: ['edit-build'],
  },

  {
    command: 'cancel-build',
    keys: ['c'],
    words: 'cancel the run; asks first',
    short: 'Cancel run',
    contexts: ['build-log'],
  },
  {
    command: 'first-error',
    keys: ['e'],
    words: 'to the first error',
    short: 'Error',
    contexts: ['build-log'],
  },
  { command: 'search', keys: ['/'], words: 'search', short: 'Search', contexts: LOGS },
  { command: 'search-next', keys: ['n'], words: 'the next that was searched for', contexts: LOGS },
  { command: 'search-previous', keys: ['N'], words: 'the one before', contexts: LOGS },
  {
    command: 'steps',
    keys: ['s'],
    words: "the Dockerfile's steps: cached or not, and how long",
    short: 'Steps',
    contexts: ['build-log'],
  },
  {
    command: 'next-tab',
    keys: ['tab', 'right', 'l'],
    words: "the next step's log",
    short: 'Next step',
    contexts: ['build-log'],
  },
  {
    command: 'previous-tab',
    keys: ['shift-tab', 'left', 'h'],
    words: 'the log of the step before',
    contexts: ['build-log'],
  },
  {
    command: 'tab',
    keys: ['1', '2', '3', '4'],
    words: "the first to fourth step's log",
    contexts: ['build-log'],
  },
  { command: 'older-run', keys: ['['], words: 'the run before', contexts: ['build-log'] },
  { command: 'newer-run', keys: [']'], words: 'the run after', contexts: ['build-log'] },
  {
    command: 'cancel-job',
    keys: ['c'],
    words: 'cancel the job; asks first',
    short: 'Cancel job',
    contexts: ['job'],
  },
  { command: 'logs', keys: ['l'], words: "the container's own log", short: 'Logs', contexts: ['job'] },
  {
    command: 'build-log',
    keys: ['L'],
    words: 'the log of the build run that made its image',
    short: 'Build log',
    contexts: ['job'],
  },
  {
    command: 'follow',
    keys: ['f', 'F'],
    words: 'to the end, and follow',
    short: 'Follow',
    contexts: LOGS,
  },
  { command: 'wrap', keys: ['w'], words: 'wrap long lines, or cut them', short: 'Wrap', contexts: LOGS },
  { command: 'note', keys: ['a'], words: 'write a note to this run', short: 'Note', contexts: ['build-log'] },
  { command: 'line-end', keys: ['}'], words: 'to the end of a long line that is wrapped', contexts: LOGS },
  { command: 'line-start', keys: ['{'], words: 'to its beginning', contexts: LOGS },
  {
    command: 'retry',
    keys: ['r'],
    // What is shown is asked for: a job or a run that is shown is never begun again by it.
    words: 'ask again for what is shown',
    short: 'Reload',
    contexts: ['versions', 'images', 'jobs', 'logs', 'build-log'],
  },

  {
    command: 'press',
    keys: ['enter'],
    words: 'press the marked button',
    short: 'Press',
    contexts: QUESTIONS,
  },
  {
    command: 'next-button',
    keys: ['tab', 'shift-tab', 'left', 'right', 'h', 'l'],
    words: 'the other button',
    short: 'Other button',
    contexts: QUESTIONS,
  },
  { command: 'yes', keys: ['y'], words: 'yes, do it', short: 'Yes', contexts: QUESTIONS },

  { command: 'down', keys: ['j', 'down'], words: 'down', contexts: LISTS },
  { command: 'up', keys: ['k', 'up'], words: 'up', contexts: LISTS },
  { command: 'first', keys: ['g', 'home'], words: 'to the first', contexts: LISTS },
  { command: 'last', keys: ['G', 'end'], words: 'to the last', contexts: LISTS },
  { command: 'page-down', keys: ['pgdn', 'ctrl-f'], words: 'a page down', contexts: LISTS },
  { command: 'page-up', keys: ['pgup', 'ctrl-b'], words: 'a page up', contexts: LISTS },
  { command: 'half-down', keys: ['ctrl-d'], words: 'half a page down', contexts: LISTS },
  { command: 'half-up', keys: ['ctrl-u'], words: 'half a page up', contexts: LISTS },
  {
    command: 'filter',
    keys: ['/'],
    words: 'filter',
    short: 'Filter',
    contexts: ['pipeline', 'maps', 'versions', 'images', 'jobs'],
  },
  { command: 'back', keys: ['esc'], words: 'drop the filter', contexts: ['pipeline'] },
  {
    command: 'back',
    keys: ['esc'],
    words: 'back',
    short: 'Back',
    contexts: OVER.filter((context) => context !== 'pipeline'),
  },
  { command: 'back', keys: ['q'], words: 'back', contexts: OVER.filter((context) => context !== 'pipeline') },
  { command: 'back', keys: ['n'], words: 'no, leave it', contexts: QUESTIONS },
  {
    command: 'quit',
    keys: ['q'],
    words: 'quit; jobs go on without you',
    short: 'Quit',
    contexts: ['pipeline'],
  },
  { command: 'help', keys: ['?'], words: 'help', short: 'Help', contexts: SCREENS },
  { command: 'suspend', keys: ['ctrl-z'], words: 'back to the shell, until fg', contexts: CONTEXTS },
  { command: 'abort', keys: ['ctrl-c'], words: 'quit from anywhere', contexts: CONTEXTS },

  {
    command: 'accept',
    keys: ['enter', 'tab'],
    words: 'take what is typed',
    short: 'Accept',
    contexts: ['field'],
  },
  {
    command: 'restore',
    keys: ['esc'],
    words: 'leave it as it was',
    short: 'Leave as it was',
    contexts: TYPING,
  },
  {
    command: 'accept',
    keys: ['ctrl-s', 'ctrl-o'],
    words: 'take what is typed',
    short: 'Accept',
    contexts: ['text'],
  },
  { command: 'new-line', keys: ['enter'], words: 'a new line', short: 'New line', contexts: ['text'] },
  { command: 'caret-up', keys: ['up', 'ctrl-p'], words: 'a line up', contexts: ['text'] },
  { command: 'caret-down', keys: ['down', 'ctrl-n'], words: 'a line down', contexts: ['text'] },
  { command: 'caret-left', keys: ['left', 'ctrl-b'], words: 'a character left', contexts: TYPING },
  { command: 'caret-right', keys: ['right', 'ctrl-f'], words: 'a character right', contexts: TYPING },
  { command: 'caret-start', keys: ['home', 'ctrl-a'], words: 'to its start', contexts: TYPING },
  { command: 'caret-end', keys: ['end', 'ctrl-e'], words: 'to its end', contexts: TYPING },
  {
    command: 'delete-before',
    keys: ['backspace'],
    words: 'delete the character before',
    contexts: TYPING,
  },
  {
    command: 'delete-after',
    keys: ['delete', 'ctrl-d'],
    words: 'delete the character after',
    contexts: TYPING,
  },
  { command: 'delete-word', keys: ['ctrl-w'], words: 'delete the word before', contexts: TYPING },
  { command: 'delete-to-start', keys: ['ctrl-u'], words: 'delete all before', contexts: TYPING },
];

const BY_CONTEXT: ReadonlyMap<Context, ReadonlyMap<Key, Command>> = new Map(
  CONTEXTS.map((context) => [
    context,
    new Map(
      bindingsIn(context).flatMap((binding) => binding.keys.map((key) => [key, binding.command] as const)),
    ),
  ]),
);

/** What a key does there; undefined where it does nothing. */
export function commandFor(context: Context, key: Key): Command | undefined {
  return BY_CONTEXT.get(context)?.get(key);
}

export function bindingsIn(context: Context): Binding[] {
  return KEY_TABLE.filter((binding) => binding.contexts.includes(context));
}
