/** What a terminal sends for a key. A single character stands for itself. */
const CODES: Readonly<Record<string, string>> = {
  Enter: '\r',
  Escape: '\u001b',
  Tab: '\t',
  Backspace: '\u007f',
  Delete: '\u001b[3~',
  Up: '\u001b[A',
  Down: '\u001b[B',
  Right: '\u001b[C',
  Left: '\u001b[D',
  Home: '\u001b[H',
  End: '\u001b[F',
  PageUp: '\u001b[5~',
  PageDown: '\u001b[6~',
  Space: ' ',
};

/** Names: those above, `Ctrl-C` and the like, or one character. Throws for a name that no key has. */
export function keyCode(name: string): string {
  const known = CODES[name];
  if (known !== undefined) return known;
  const control = /^Ctrl-([A-Z])$/.exec(name)?.[1];
  if (control !== undefined) return String.fromCharCode(control.charCodeAt(0) - 64);
  if ([...name].length === 1) return name;
  throw new Error(`no key is called ${name}`);
}
