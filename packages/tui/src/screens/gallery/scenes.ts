import type { BuildDefinition } from '@towline/core/build';
import type { JobEvent } from '@towline/core/job';
import { reduceJob } from '@towline/core/job';
import type { ContainerDefinition, ServerDefinition, ServiceDefinition } from '@towline/core/map';
import { type AgentView, initialAgentView } from '@towline/core/plan';
import {
  AWAIT_BUILD_CAPABILITY,
  BUILDS_CAPABILITY,
  type Hello,
  type ObservedContainer,
} from '@towline/core/protocol';
import type { FleetState } from '../../fleet/index.ts';
import { endedRun } from './build-script.ts';
import { jobEvents } from './job-script.ts';

/** A fleet as it could be met, for looking at the screens without one. */
export interface Scene {
  state: FleetState;
  readOnly: boolean;
  origin: string;
}

const REGISTRY = 'registry.example.com:5000';
const HOUR = 3_600_000;

interface ContainerScript {
  name: string;
  image?: string;
  /** Undefined where it does not exist. */
  tag?: string;
  state?: ObservedContainer['state'];
  health?: ObservedContainer['health'];
  exitCode?: number;
  built?: boolean;
  /** Its build, where that has another name. */
  build?: string;
  creatable?: boolean;
  autoRemove?: boolean;
}

interface ServerScript {
  name: string;
  agent: string;
  containers: readonly ContainerScript[];
}

function definitionOf(script: ContainerScript): ContainerDefinition {
  const image = script.image ?? `${REGISTRY}/shop/${script.build ?? script.name}`;
  const base = { name: script.name, image, ...(script.creatable === true ? { run: {} } : {}) };
  return script.built === true
    ? { ...base, kind: 'built', build: script.build ?? script.name }
    : { ...base, kind: 'common' };
}

function observedOf(script: ContainerScript, now: number): ObservedContainer[] {
  if (script.tag === undefined) return [];
  const image = script.image ?? `${REGISTRY}/shop/${script.build ?? script.name}`;
  return [
    {
      id: `${script.name}-id`,
      name: script.name,
      image: `${image}:${script.tag}`,
      imageId: `sha256:${'a'.repeat(64)}`,
      tag: script.tag,
      digest: digestOf(script.tag),
      state: script.state ?? 'running',
      ...(script.health === undefined ? {} : { health: script.health }),
      ...(script.exitCode === undefined ? {} : { exitCode: script.exitCode }),
      ...(script.autoRemove === true && { autoRemove: true }),
      createdAt: new Date(now - 3 * HOUR).toISOString(),
      startedAt: new Date(now - 3 * HOUR).toISOString(),
    },
  ];
}

/** One that differs by tag, as a registry's would. */
export function digestOf(tag: string): string {
  const hex = [...tag].map((letter) => letter.codePointAt(0)?.toString(16) ?? '').join('');
  return `sha256:${hex.repeat(Math.ceil(64 / hex.length)).slice(0, 64)}`;
}

function scene(
  servers: readonly ServerScript[],
  change: (agents: Record<string, AgentView>) => void = () => {},
  more: Partial<Scene> & { services?: readonly ServiceDefinition[] } = {},
  definitions: readonly BuildDefinition[] = [],
): Scene {
  const now = Date.now();
  const agents: Record<string, AgentView> = {};
  for (const { agent, containers } of servers) {
    const view = agents[agent] ?? { ...initialAgentView(agent), link: { state: 'connected' }, known: true };
    const observed = containers.flatMap((container) => observedOf(container, now));
    agents[agent] = {
      ...view,
      containers: { ...view.containers, ...Object.fromEntries(observed.map((one) => [one.name, one])) },
    };
  }
  change(agents);
  const mapped = servers.map(
    ({ name, agent, containers }): ServerDefinition => ({
      name,
      agent,
      containers: containers.map(definitionOf),
    }),
  );
  const services = more.services ?? [
    { name: 'shop', builds: definitions, maps: [{ name: 'demo', servers: mapped }] },
  ];
  return {
    state: { services, agents },
    readOnly: more.readOnly ?? false,
    origin: more.origin ?? './towline.yaml',
  };
}

const WEB: ServerScript = {
  name: 'web',
  agent: 'alpha',
  containers: [
    { name: 'gateway', tag: '1.0.0' },
    { name: 'storefront', tag: '2.0.0' },
  ],
};
const CACHE: ServerScript = { name: 'cache', agent: 'beta', containers: [{ name: 'cache', tag: '7.2.0' }] };

function withEvents(agents: Record<string, AgentView>, name: string, events: readonly JobEvent[]): void {
  const view = agents[name];
  const job = events.reduce<ReturnType<typeof reduceJob> | undefined>(reduceJob, undefined);
  if (view === undefined || job === undefined) return;
  agents[name] = { ...view, jobs: { ...view.jobs, [job.id]: job } };
}

const STOREFRONT: BuildDefinition = {
  name: 'storefront',
  source: {
    git: 'https://git.example.com/shop/storefront.git',
    ref: 'main',
    credentials: { kind: 'token', secret: 'git-shop' },
  },
  command: { image: 'node:22', run: 'npm ci\nnpm run build', caches: ['/root/.npm'] },
  image: { name: `${REGISTRY}/shop/storefront`, version: '1.4.0', args: { NODE_ENV: 'production' } },
  agent: 'alpha',
};
const MAILER: BuildDefinition = {
  name: 'mailer',
  source: { git: 'git@git.example.com:shop/mailer.git', ref: 'v3', credentials: { kind: 'ssh' } },
  command: { image: 'golang:1.25', run: 'go test ./... || exit 1' },
  image: { name: 'shop/mailer', version: '3.1.5' },
  agent: 'alpha',
};

/** A service that builds: what runs, what it has built since, and a run that failed. */
function builds(link: AgentView['link'] = { state: 'connected' }): Scene {
  const tag = '1.4.0.B000003';
  return scene(
    [
      {
        name: 'web',
        agent: 'alpha',
        containers: [
          { name: 'gateway', tag: '1.0.0' },
          { name: 'storefront', tag, built: true },
        ],
      },
      {
        name: 'web-2',
        agent: 'beta',
        containers: [{ name: 'storefront-2', tag, built: true, build: 'storefront' }],
      },
      {
        name: 'mail',
        agent: 'alpha',
        containers: [{ name: 'mailer', image: 'shop/mailer', tag: '3.1.4.B000001', built: true }],
      },
      {
        name: 'mail-2',
        agent: 'beta',
        containers: [
          { name: 'mailer-2', image: 'shop/mailer', tag: '3.1.4.B000001', built: true, build: 'mailer' },
        ],
      },
    ],
    (agents) => {
      const now = Date.now();
      const script = { service: 'shop', definition: STOREFRONT };
      const runs = [1, 2, 3, 4, 5, 6].flatMap(
        (number) =>
          endedRun(
            {
              ...script,
              number,
              ...(number === 6 && { fails: 'create-image' as const }),
              ...(number === 4 && { note: 'for the autumn sale' }),
            },
            now - (8 - number) * HOUR,
          ) ?? [],
      );
      for (const [name, view] of Object.entries(agents)) {
        const own = name === 'alpha' ? { 'shop/storefront': runs.reverse() } : {};
        agents[name] = { ...view, link, hello: HELLO, builds: own };
      }
    },
    {},
    [STOREFRONT, MAILER],
  );
}

const HELLO: Hello = {
  protocol: 1,
  version: '0.3.0',
  pid: 1,
  startedAt: '',
  engine: { state: 'unreachable', message: '' },
  capabilities: [BUILDS_CAPABILITY, AWAIT_BUILD_CAPABILITY],
};

/** The same fleet, come to with a viewer's token on these agents. */
export function viewedBy(token: string, names: readonly string[], fleet: FleetState): FleetState {
  const caller = { name: token, role: 'viewer' as const };
  const viewed = Object.entries(fleet.agents).map(([name, view]) => {
    const hello: Hello = { ...(view.hello ?? HELLO), caller };
    return [name, names.includes(name) ? { ...view, hello } : view];
  });
  return { ...fleet, agents: Object.fromEntries(viewed) };
}

export const SCENES: Readonly<Record<string, () => Scene>> = {
  demo: () => scene([WEB, CACHE]),
  builds: () => builds(),
  connecting: () => builds({ state: 'connecting' }),
  rm: () => scene([{ ...CACHE, containers: [{ name: 'cache', tag: '7.2.0', autoRemove: true }] }]),
  'read-only': () => scene([WEB, CACHE], undefined, { readOnly: true }),
  viewer: () => {
    const made = scene([WEB, CACHE]);
    return { ...made, state: viewedBy('board', ['alpha'], made.state) };
  },
  empty: () => scene([], undefined, { services: [], origin: 'local engine' }),
  maps: () => {
    const map = (name: string, servers: number) => ({
      name,
      servers: Array.from(
        { length: servers },
        (_, at): ServerDefinition => ({
          name: `web-${at + 1}`,
          agent: 'alpha',
          containers: WEB.containers.map(definitionOf),
        }),
      ),
    });
    return scene([WEB], undefined, {
      services: [
        { name: 'shop', builds: [], maps: [map('production', 6), map('staging', 2)] },
        { name: 'billing', builds: [], maps: [map('production', 3)] },
      ],
    });
  },
  mixed: () =>
    scene(
      [
        {
          name: 'web',
          agent: 'alpha',
          containers: [
            { name: 'gateway', tag: '1.0.0', health: 'healthy' },
            { name: 'storefront', tag: '2.0.0', built: true },
          ],
        },
        {
          name: 'worker',
          agent: 'alpha',
          containers: [{ name: 'mailer', tag: '3.1.4', state: 'exited', exitCode: 137 }],
        },
        { name: 'cache', agent: 'beta', containers: [{ name: 'cache', tag: '7.2.0' }] },
        {
          name: 'search',
          agent: 'gamma',
          containers: [
            { name: 'index', tag: '5.0.2' },
            { name: 'query', tag: '5.0.1' },
          ],
        },
        { name: 'reports', agent: 'delta', containers: [{ name: 'reports', creatable: true }] },
      ],
      (agents) => {
        const now = Date.now();
        const gamma = agents.gamma;
        if (gamma !== undefined) {
          agents.gamma = {
            ...gamma,
            link: {
              state: 'lost',
              message: 'ssh to deploy@gamma: connection timed out after 10 s, trying again',
              lastSeenAt: new Date(now - 47_000).toISOString(),
            },
          };
        }
        withEvents(
          agents,
          'beta',
          jobEvents({
            id: 'job-running',
            server: 'cache',
            tasks: [{ container: 'cache', from: '7.2.0', to: '7.4.0' }],
            outcome: 'DONE',
            start: now - 4_000,
          }).slice(0, 9),
        );
        withEvents(
          agents,
          'alpha',
          jobEvents({
            id: 'job-before',
            server: 'web',
            tasks: [{ container: 'gateway', from: '0.9.0', to: '1.0.0' }],
            outcome: 'DONE',
            start: now - 190_000,
          }),
        );
      },
    ),
  lost: () =>
    scene([WEB, CACHE], (agents) => {
      const now = Date.now();
      const events = jobEvents({
        id: 'job-lost',
        server: 'web',
        tasks: [{ container: 'gateway', from: '1.0.0', to: '1.1.0' }],
        outcome: 'DONE',
        start: now - 60_000,
      });
      const check = events.findIndex((event) => event.type === 'step-started' && event.kind === 'gate');
      withEvents(agents, 'alpha', events.slice(0, check + 1));
      const { alpha } = agents;
      if (alpha === undefined) return;
      agents.alpha = {
        ...alpha,
        link: {
          state: 'lost',
          message: 'nothing listens on /run/towline/agent.sock, trying again: start towline-agent there',
          lastSeenAt: new Date(now - 40_000).toISOString(),
        },
      };
    }),
  wide: () =>
    scene([
      {
        name: '前端サーバー',
        agent: '東京-α',
        containers: [
          { name: '网关🚀', image: 'registry.example.com:5000/店铺/网关', tag: '1.0.0' },
          {
            name: 'a-container-with-a-very-long-name-indeed',
            image: 'registry.example.com:5000/shop/a-container-with-a-very-long-name-indeed',
            tag: '2026.11.24-build.1187',
          },
          { name: '👩‍👩‍👧‍👦', image: 'shop/family', tag: 'latest' },
        ],
      },
      { name: '한국어', agent: 'beta', containers: [{ name: '캐시', tag: '7.2.0' }] },
    ]),
  fault: () => scene([{ name: 'web', agent: 'alpha', containers: [{ name: 'fault', tag: '1.0.0' }] }]),
  passphrase: () => {
    const asked = scene([WEB, CACHE], (agents) => {
      agents.beta = initialAgentView('beta');
    });
    const text = 'Passphrase for the key /home/deploy/.ssh/id_ed25519:';
    return { ...asked, state: { ...asked.state, passphrase: { id: 1, text } } };
  },
  many: () =>
    scene(
      Array.from(
        { length: 200 },
        (_, at): ServerScript => ({
          name: `web-${String(at + 1).padStart(3, '0')}`,
          agent: `agent-${Math.floor(at / 10) + 1}`,
          containers: [
            { name: `gateway-${at + 1}`, image: `${REGISTRY}/shop/gateway`, tag: '1.0.0' },
            { name: `storefront-${at + 1}`, image: `${REGISTRY}/shop/storefront`, tag: '2.0.0' },
          ],
        }),
      ),
    ),
};
