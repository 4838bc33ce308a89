import { expect, test } from 'vitest';
import { agentLines } from './agents.ts';

const LIMIT = 'Podman can’t change a restart policy.';

const agent = (name: string, limits: string[], clockAheadMs: number | null = 0) => ({
  name,
  url: `unix:///run/${name}.sock`,
  foundAt: null,
  state: 'reachable' as const,
  caller: null,
  message: null,
  version: '0.1.0',
  protocol: 1,
  engine: { name: 'Podman', version: '4.3.1', apiVersion: '1.41', os: 'linux', arch: 'amd64', limits },
  roundTripMs: 1,
  clockAheadMs,
});

test('what an engine can’t do is counted in the table and told below it', () => {
  const lines = agentLines([agent('p', [LIMIT]), agent('q', [])]);
  expect(lines[1]).toMatch(/Podman 4\.3\.1 +1, below +1\.0 ms/);
  expect(lines[2]).toMatch(/Podman 4\.3\.1 +none +1\.0 ms/);
  expect(lines.slice(3)).toEqual([`p: ${LIMIT}`]);
});

test('which of a machine’s agents it is, is told where its url does not say it', () => {
  const found = { ...agent('p', []), url: 'ssh://web', foundAt: '/run/towline/agent.sock' };
  expect(agentLines([found])[1]).toMatch(/ ssh:\/\/web \(found at \/run\/towline\/agent\.sock\)$/);
});

test('a clock that is off is told below the table, one that hardly is, or isn’t known, is not', () => {
  const hour = 3_600_000;
  const lines = agentLines([
    agent('p', [], 26 * hour),
    agent('q', [], -2_000),
    agent('r', [], null),
    agent('s', [LIMIT], -30_500),
  ]);
  expect(lines.slice(5)).toEqual([
    "p: Its clock is 1 d 2 h ahead of this machine's.",
    "s: Its clock is 30 s behind this machine's.",
    `s: ${LIMIT}`,
  ]);
});
