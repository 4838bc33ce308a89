import { graphemes } from '../components/index.ts';

/**
 * One key as the key table names it: a printable character as itself, or one of these names, or `ctrl-` and a letter.
 */
export type Key = string;

export const NAMED_KEYS = [
  'enter',
  'esc',
  'tab',
  'shift-tab',
  'space',
  'backspace',
  'delete',
  'up',
  'down',
  'left',
  'right',
  'home',
  'end',
  'pgup',
  'pgdn',
] as const;

/** The part of Ink's description of a key that is looked at. */
export interface InkKey {
  upArrow: boolean;
  downArrow: boolean;
  leftArrow: boolean;
  rightArrow: boolean;
  pageUp: boolean;
  pageDown: boolean;
  home: boolean;
  end: boolean;
  return: boolean;
  escape: boolean;
  ctrl: boolean;
  shift: boolean;
  tab: boolean;
  backspace: boolean;
  delete: boolean;
  meta: boolean;
}

/**
 * The keys of one input event. A fast `jjjk` reaches Ink as one event of four characters, and an Escape that is followed
 * at once by another key as that key with meta: both are given as the keys that were pressed.
 */
export function keysOf(input: string, key: InkKey): Key[] {
  const named = nameOf(key);
  if (named !== undefined) return key.meta ? ['esc', named] : [named];
  if (key.ctrl) return input === ' ' ? ['space'] : input === '' ? [] : [`ctrl-${input.toLowerCase()}`];
  const keys = splitKeys(input);
  return key.meta ? ['esc', ...keys] : keys;
}

function nameOf(key: InkKey): Key | undefined {
  if (key.upArrow) return 'up';
  if (key.downArrow) return 'down';
  if (key.leftArrow) return 'left';
  if (key.rightArrow) return 'right';
  if (key.pageUp) return 'pgup';
  if (key.pageDown) return 'pgdn';
  if (key.home) return 'home';
  if (key.end) return 'end';
  if (key.return) return 'enter';
  if (key.tab) return key.shift ? 'shift-tab' : 'tab';
  if (key.backspace) return 'backspace';
  if (key.delete) return 'delete';
  if (key.escape) return 'esc';
  return undefined;
}

function splitKeys(input: string): Key[] {
  return graphemes(input.replaceAll('\r\n', '\r')).flatMap((grapheme) => {
    if (grapheme === ' ') return ['space'];
    if (grapheme === '\r' || grapheme === '\n') return ['enter'];
    if (grapheme === '\t') return ['tab'];
    if (grapheme === '\u007f' || grapheme === '\b') return ['backspace'];
    if (grapheme === '\u001b') return ['esc'];
    const code = grapheme.charCodeAt(0);
    if (code < 32) return [`ctrl-${String.fromCharCode(code + 96)}`];
    return [grapheme];
  });
}

/** What a key types into a text field; undefined for one that types nothing. */
export function typedText(key: Key): string | undefined {
  if (key === 'space') return ' ';
  return graphemes(key).length === 1 ? key : undefined;
}

const SHOWN: Readonly<Record<string, string>> = {
  enter: 'Enter',
  esc: 'Esc',
  tab: 'Tab',
  'shift-tab': 'Shift-Tab',
  space: 'Space',
  backspace: 'Backspace',
  delete: 'Del',
  up: '↑',
  down: '↓',
  left: '←',
  right: '→',
  home: 'Home',
  end: 'End',
  pgup: 'PgUp',
  pgdn: 'PgDn',
};

/** As help and the footer write it. */
export function keyName(key: Key): string {
  return SHOWN[key] ?? key.replace(/^ctrl-(.)$/, (_, letter: string) => `Ctrl-${letter.toUpperCase()}`);
}
