import { expect, test } from 'vitest';
import { agentLines } from './agents.ts';

const LIMIT = 'Podman can’t change a restart policy.';

test('what an engine can’t do is counted in the table and told below it', () => {
  const agent = (name: string, limits: string[]) => ({
    name,
    url: `unix:///run/${name}.sock`,
    state: 'reachable' as const,
    caller: null,
    message: null,
    version: '0.1.0',
    protocol: 1,
    engine: { name: 'Podman', version: '4.3.1', apiVersion: '1.41', os: 'linux', arch: 'amd64', limits },
    roundTripMs: 1,
  });
  const lines = agentLines([agent('p', [LIMIT]), agent('q', [])]);
  expect(lines[1]).toMatch(/Podman 4\.3\.1 +1, below +1\.0 ms/);
  expect(lines[2]).toMatch(/Podman 4\.3\.1 +none +1\.0 ms/);
  expect(lines.slice(3)).toEqual([`p: ${LIMIT}`]);
});
