import { expect, test } from 'vitest';
import { type KeyFile, keyAttempts } from './identities.ts';

const file = (path: string, blob?: string): KeyFile => ({
  path,
  state: 'found',
  secret: true,
  encrypted: false,
  ...(blob !== undefined && { blob }),
});
const agent = [
  { blob: 'A', comment: 'a@desk' },
  { blob: 'B', comment: 'b@desk' },
];

test.each<[string, KeyFile[], boolean, string[]]>([
  ['the agent goes before the files', [file('/c', 'C')], false, ['agent A', 'agent B', 'file /c']],
  ['what both have is the agent’s, and first', [file('/b', 'B')], false, ['agent B', 'agent A']],
  ['only what the files name', [file('/b', 'B'), file('/c', 'C')], true, ['agent B', 'file /c']],
  [
    'a public key names one of the agent',
    [{ path: '/a.pub', state: 'found', secret: false, encrypted: false, blob: 'A' }],
    true,
    ['agent A'],
  ],
  [
    'a public key alone is none',
    [{ path: '/c.pub', state: 'found', secret: false, encrypted: false, blob: 'C' }],
    true,
    [],
  ],
  ['a file whose public key is not known', [file('/x')], true, ['file /x']],
  [
    'what can not be used',
    [
      { path: '/1', state: 'missing' },
      { path: '/2', state: 'too-open', mode: 0o644 },
      { path: '/3', state: 'unusable', reason: 'x' },
    ],
    true,
    [],
  ],
])('%s', (_, files, identitiesOnly, expected) => {
  const attempts = keyAttempts(files, agent, { identitiesOnly });
  expect(
    attempts.map((each) => (each.kind === 'agent' ? `agent ${each.key.blob}` : `file ${each.path}`)),
  ).toEqual(expected);
});
