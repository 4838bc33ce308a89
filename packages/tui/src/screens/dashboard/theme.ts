import type { TextProps } from 'ink';
import type { Colour, Look, Tone } from '../../components/index.ts';

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

/** Of the palette's first sixteen: by name, so that they are the operator's own. */
const OWN = [
  'black',
  'red',
  'green',
  'yellow',
  'blue',
  'magenta',
  'cyan',
  'white',
  'blackBright',
  'redBright',
  'greenBright',
  'yellowBright',
  'blueBright',
  'magentaBright',
  'cyanBright',
  'whiteBright',
] as const;

/** Foreign text in its writer's colours. */
export function lookProps(look: Look): TextProps {
  return {
    ...(look.foreground !== undefined && { color: colourOf(look.foreground) }),
    ...(look.background !== undefined && { backgroundColor: colourOf(look.background) }),
    ...(look.bold && { bold: true }),
    ...(look.dim && { dimColor: true }),
    ...(look.italic && { italic: true }),
    ...(look.underline && { underline: true }),
    ...(look.inverse && { inverse: true }),
    ...(look.strikethrough && { strikethrough: true }),
  };
}

function colourOf(colour: Colour): NonNullable<TextProps['color']> {
  if (typeof colour === 'object') return `rgb(${colour.join(', ')})`;
  return OWN[colour] ?? `ansi256(${colour})`;
}
