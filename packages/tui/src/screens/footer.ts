import { type Line, type Span, span, textWidth } from '../components/index.ts';
import { bindingsIn, type Command, type Context, keyName } from '../keys/index.ts';

export interface FooterOptions {
  /** Commands that can do nothing now: in brackets and quiet, and their key says why. */
  disabled?: ReadonlySet<Command>;
  /** Commands that make no sense now: not shown at all. */
  hidden?: ReadonlySet<Command>;
  /** Another text for a command than the key table's. */
  texts?: Partial<Record<Command, string>>;
}

const ALWAYS: readonly Command[] = ['help', 'quit', 'back', 'restore'];
/** One column before a key and one behind its words: that is where the brackets go. */
const SIDES = 2;

/** The keys of a context in one row, worth most first; what does not fit is left to help. */
export function footer(context: Context, columns: number, options: FooterOptions = {}): Line {
  const shown = bindingsIn(context).flatMap((binding) => {
    const text = options.texts?.[binding.command] ?? binding.short;
    const key = binding.keys[0];
    return text === undefined ||
      binding.short === undefined ||
      key === undefined ||
      options.hidden?.has(binding.command) === true
      ? []
      : [{ command: binding.command, key: keyName(key), text }];
  });
  const width = (entry: { key: string; text: string }) => textWidth(entry.key) + 1 + textWidth(entry.text);
  let room = columns;
  const kept = new Set<(typeof shown)[number]>();
  for (const wanted of [true, false]) {
    for (const entry of shown.filter(({ command }) => ALWAYS.includes(command) === wanted)) {
      if (width(entry) + SIDES > room) continue;
      kept.add(entry);
      room -= width(entry) + SIDES;
    }
  }
  const spans: Span[] = [];
  for (const entry of shown) {
    if (!kept.has(entry)) continue;
    if (options.disabled?.has(entry.command) === true) {
      spans.push(span(`(${entry.key} ${entry.text})`, 'quiet'));
    } else {
      spans.push(span(` ${entry.key}`, 'key'), span(` ${entry.text} `));
    }
  }
  return { spans, selected: false };
}
