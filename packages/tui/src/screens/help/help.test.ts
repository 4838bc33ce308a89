import { expect, test } from 'vitest';
import { dialogRoom, lineText, textWidth } from '../../components/index.ts';
import { bindingsIn, CONTEXTS } from '../../keys/index.ts';
import { viewHelp } from './help.ts';
import { signsIn } from './signs.ts';

test.each(CONTEXTS)('at 80 columns nothing of what help says of %s is cut off', (context) => {
  const lines = viewHelp({ context, top: 0 }, { columns: 80, rows: 200 }).body.map(lineText);
  expect(lines.filter((text) => textWidth(text) > dialogRoom(80))).toEqual([]);
  const said = lines
    .map((text) => text.trim())
    .join(' ')
    .replace(/ +/g, ' ');
  for (const { words } of [...bindingsIn(context), ...signsIn(context)]) expect(said).toContain(words);
});
