import type { ContainerDefinition } from '@towline/core/map';
import type { ServerPlan } from '@towline/core/plan';
import type { ContainerPlan, PlanInput } from '@towline/core/protocol';
import { ok } from '@towline/core/result';
import { expect, test } from 'vitest';
import { askPlans, planLines } from './print-plan.ts';

const WEB: ServerPlan = {
  server: 'web',
  agent: 'alpha',
  armed: [
    {
      container: 'gateway',
      image: 'gateway',
      choice: { mode: 'image-tag', tag: '2' },
      stages: ['deploy'],
      from: { tag: '1' },
      to: '2',
      autoRemove: true,
    },
  ],
  skipped: [],
};
const PLAN = { servers: [WEB], skipped: [], taskCount: 1, serverCount: 1 };
const DELETED = 'created with --rm: its stop deletes the old one, with what that wrote outside of volumes';

test('what the stop deletes is said, by the agent and before it is asked', () => {
  const told: ContainerPlan[] = [
    { container: 'gateway', order: 'stop-first', autoRemove: true, changes: [] },
    { container: 'sidecar', because: 'shares its network', order: 'stop-first', autoRemove: true },
  ];
  const answers = new Map([[WEB, ok({ containers: told, steps: [] })]]);
  expect(planLines(PLAN, [], [], { answers })).toEqual([
    'Would run 1 task on 1 server:',
    '  web on alpha',
    '    gateway: gateway 1 → 2, stop first',
    `      ${DELETED}`,
    '      the same settings',
    '    sidecar: created again, because it shares its network',
    `      ${DELETED}`,
  ]);
  expect(planLines(PLAN, [], [])).toContain(`      ${DELETED}`);
});

test('where nothing is chosen it says how to choose', () => {
  const nothing = { servers: [], skipped: [WEB], taskCount: 0, serverCount: 0 };
  expect(planLines(nothing, [], [], { hint: ' Choose with --set.' })).toEqual([
    'Nothing would run. Choose with --set.',
  ]);
});

test('a rollback is asked about as a rollback, and what may be deleted as allowed', async () => {
  const asked: PlanInput[] = [];
  const container: ContainerDefinition = { kind: 'common', name: 'gateway', image: 'gateway' };
  const map = { name: 'demo', servers: [{ name: 'web', agent: 'alpha', containers: [container] }] };
  const open = {
    service: { name: 'shop', builds: [], maps: [map] },
    map,
    pipeline: () => ({ service: 'shop', map: 'demo', servers: [], builds: {} }),
    fleet: {
      plan: async (_: string, input: PlanInput) => {
        asked.push(input);
        return ok({ containers: [], steps: [] });
      },
    },
  };
  await askPlans(open, [WEB], { rollback: true, allowAutoRemove: true });
  await askPlans(open, [WEB], {});
  expect(asked).toMatchObject([{ rollback: true, allowAutoRemove: true }, { server: 'web' }]);
  expect(asked[1]).not.toHaveProperty('rollback');
});
