import { parseMapFile } from '@towline/core/map';
import { expect, test } from 'vitest';
import { readmeBlocks } from './blocks.ts';

const [whole = '', ...parts] = await readmeBlocks('yaml');
const [agents = '', services = ''] = whole.split(/(?=^services:)/m);
const maps = services.slice(services.indexOf('    maps:\n'));

/** What the README leaves out of a part is as in its first map. */
function completed(part: string): string {
  if (part.startsWith('services:')) return agents + part + maps;
  if (part.startsWith('agents:')) {
    const [, agent = ''] = /^ {2}([\w-]+):/m.exec(part) ?? [];
    return part + services.replace('agent: local', `agent: ${agent}`);
  }
  // Containers, as deep as its only one, which is among them.
  return `${whole.trimEnd().split('\n').slice(0, -1).join('\n')}\n${part}`;
}

test.each([whole, ...parts.map(completed)])('a map of the README is one:\n%s', (map) => {
  expect(parseMapFile(map)).toMatchObject({ ok: true });
});

test('among them are agents of other machines, over SSH and over the network', () => {
  expect(parts.join('')).toMatch(/url: "ssh:\/\/[\s\S]*url: "wss:\/\//);
});
