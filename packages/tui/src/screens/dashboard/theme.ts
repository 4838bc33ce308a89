import type { TextProps } from 'ink';
import type { Tone } from '../../components/index.ts';

/**
 * Few colours, each with one meaning, from the terminal's own sixteen: the operator's scheme, light or dark, stays
 * readable.
 */
export const THEME: Readonly<Record<Tone, TextProps>> = {
  plain: {},
  quiet: { dimColor: true },
  strong: { bold: true },
  title: { bold: true, color: 'cyan' },
  good: { color: 'green' },
  active: { color: 'cyan' },
  armed: { color: 'yellow', bold: true },
  bad: { color: 'red', bold: true },
  key: { color: 'cyan' },
  field: { underline: true },
  button: { inverse: true },
  bar: { color: 'cyan' },
};

/** The row under the cursor: its own background and its own text colour, so that it is readable on any scheme. */
export const CURSOR: TextProps = { backgroundColor: 'ansi256(238)', color: 'whiteBright' };
