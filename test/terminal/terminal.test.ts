import { afterEach, expect, test } from 'vitest';
import { openTerminal, type Terminal } from './index.ts';

let terminal: Terminal | undefined;
afterEach(() => terminal?.close());

test('a person sees what a program writes, and the program what a person types', async () => {
  terminal = openTerminal({ command: 'sh', args: ['-c', 'printf "name? "; read name; echo "hello $name"'] });
  await terminal.waitFor('name?');
  terminal.type('漢字');
  terminal.press('Enter');
  await terminal.waitFor('hello 漢字');
  expect((await terminal.exited).code).toBe(0);
});

test('colours, size and modes can be read', async () => {
  terminal = openTerminal({
    command: 'sh',
    args: ['-c', String.raw`printf '\033[31mred\033[0m plain \033[?1049h\033[?25l'; stty size; sleep 60`],
    cols: 100,
    rows: 30,
  });
  await terminal.waitFor('30 100');
  expect(terminal.modes()).toEqual({ alternateScreen: true, cursorHidden: true, bracketedPaste: false });
});

test('what does not come is told with the screen in its place', async () => {
  terminal = openTerminal({ command: 'sh', args: ['-c', 'echo this is here'] });
  await expect(terminal.waitFor('that')).rejects.toThrow(/ended.*that on the screen\n\| this is here/s);
});

test('a frame is seen when it is whole, as in a terminal that knows synchronized updates', async () => {
  const script = String.raw`printf '\033[?2026hhalf'; sleep 0.2; printf ' a frame\033[?2026l'; sleep 60`;
  terminal = openTerminal({ command: 'sh', args: ['-c', script] });
  const seen = new Set<string>();
  await terminal.waitUntil('the frame', ([row = '']) => {
    seen.add(row);
    return row.endsWith('a frame');
  });
  expect([...seen]).toEqual(['', 'half a frame']);
});

test('updates that come at once are seen one after the other, by whoever waits for one and then for the next', async () => {
  const update = (text: string) => String.raw`\033[?2026h\r${text}\033[?2026l`;
  const script = `printf '${['one', 'two', 'six', 'ten'].map(update).join('')}'; sleep 60`;
  terminal = openTerminal({ command: 'sh', args: ['-c', script] });
  for (const word of ['one', 'two', 'six', 'ten']) {
    await terminal.waitFor(word);
    expect(terminal.screen()[0]).toBe(word);
  }
});
