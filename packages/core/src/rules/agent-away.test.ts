import { expect, test } from 'vitest';
import { agentAway } from './agent-away.ts';

const ADD =
  "root@web (10.0.0.7:22): its host key is not known. Where it is: echo 'web ssh-ed25519 A' >> known_hosts";

test.each<[string, Parameters<typeof agentAway>, string]>([
  ['a reason that ends in a command is as it was', ['web', ADD], `The agent web can't be used: ${ADD}`],
  [
    'a question keeps its mark',
    ['web', 'The engine there is not: is it running?'],
    "The agent web can't be used: The engine there is not: is it running?",
  ],
  [
    'what it is there for',
    ['web', 'Nobody listens.', 'which builds shop'],
    "The agent web, which builds shop, can't be used: Nobody listens.",
  ],
  [
    'without a reason, where there is one',
    ['web', undefined],
    "The agent web can't be reached. `towline agents` says which hop failed.",
  ],
])('%s', (_, args, text) => {
  expect(agentAway(...args)).toBe(text);
});
