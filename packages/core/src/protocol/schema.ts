import * as z from 'zod';
import { buildRunSchema } from '../build/index.ts';
import {
  jobSchema,
  jobTaskSchema,
  refusalSchema,
  STEP_KINDS,
  settingChangeSchema,
  UPDATE_ORDERS,
} from '../job/index.ts';
import { ROLES } from './door.ts';

/** Raised when an older peer could misread a newer one. Unknown fields and events are ignored, so additions do not. */
export const PROTOCOL_VERSION = 1;

export const helloInputSchema = z.object({ protocol: z.int(), version: z.string().max(100) });

export const helloSchema = z.object({
  protocol: z.int(),
  version: z.string(),
  /** The agent's process id and when it started: a changed pair is a restarted agent. */
  pid: z.int(),
  startedAt: z.string(),
  /**
   * Names the agent's state, whatever process has it: one with another knows nothing of what was begun with this; absent from
   * older agents.
   */
  identity: z.string().optional(),
  engine: z.discriminatedUnion('state', [
    z.object({
      state: z.literal('reachable'),
      name: z.string(),
      version: z.string(),
      apiVersion: z.string(),
      os: z.string(),
      arch: z.string(),
      /** What it can't do of what Towline promises, in sentences; absent from older agents. */
      limits: z.array(z.string()).optional(),
    }),
    z.object({ state: z.literal('unreachable'), message: z.string() }),
  ]),
  /** Where the agent reaches its engine, as `findEngine` reads it; absent from older agents. */
  engineAddress: z.string().optional(),
  capabilities: z.array(z.string()),
  /** Whose token the client came with; absent where it came without one, and from older agents: it may do everything then. */
  caller: z.object({ name: z.string(), role: z.enum(ROLES) }).optional(),
});
export type Hello = z.infer<typeof helloSchema>;

export const CONTAINER_STATES = [
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
] as const;

/** One container as the engine has it now. */
export const observedContainerSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** What it was created with: a name and tag, or an id. */
  image: z.string(),
  imageId: z.string(),
  /** The tag that it runs, where the image's name has one. */
  tag: z.string().optional(),
  /** The registry's digest of the image it runs (`sha256:…`), where it came from a registry. */
  digest: z.string().optional(),
  state: z.enum(CONTAINER_STATES),
  health: z.enum(['starting', 'healthy', 'unhealthy']).optional(),
  exitCode: z.int().optional(),
  createdAt: z.string(),
  startedAt: z.string().optional(),
  composeProject: z.string().optional(),
  /** Created with `--rm`: its engine deletes it when it stops. */
  autoRemove: z.boolean().optional(),
});
export type ObservedContainer = z.infer<typeof observedContainerSchema>;

/** What the watch subscription yields: a snapshot first, and again after the engine was away; then changes. */
export const watchEventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('snapshot'),
    containers: z.array(observedContainerSchema),
    /** Every job that is not ended, and each server's last ended one. */
    jobs: z.array(jobSchema),
    /** Servers whose last job ended DEGRADED: `service/map/server`. */
    degraded: z.array(z.string()),
    /** `recentRuns` of each build, without their vertices; absent from an agent that has no builds. */
    builds: z.array(buildRunSchema).optional(),
  }),
  z.object({ type: z.literal('container'), container: observedContainerSchema }),
  z.object({ type: z.literal('container-gone'), id: z.string(), name: z.string() }),
  z.object({ type: z.literal('job'), job: jobSchema }),
  /** A run as it is now, without its vertices. */
  z.object({ type: z.literal('build-run'), run: buildRunSchema }),
  z.object({ type: z.literal('engine-lost'), message: z.string() }),
]);
export type WatchEvent = z.infer<typeof watchEventSchema>;

export const choiceSchema = z.discriminatedUnion('mode', [
  z.object({ mode: z.literal('image-tag'), tag: z.string().max(200) }),
  z.object({ mode: z.literal('designated'), tag: z.string().max(200) }),
  z.object({ mode: z.literal('latest') }),
  z.object({
    mode: z.literal('build-deploy'),
    confirmed: z.boolean(),
    /**
     * The tag of its build run: without it there is nothing to deploy yet. Of a run of this agent that is not over, the
     * job waits for its end (where `hello` says `AWAIT_BUILD_CAPABILITY`).
     */
    built: z.string().max(200).optional(),
  }),
]);

const name = z.string().min(1).max(255);

const milliseconds = z.number().min(0).max(3_600_000);
const port = z.int().min(1).max(65_535);
const httpStatus = z.int().min(100).max(599);

/**
 * How the agent asks a container whether it serves. Failures within `startPeriodMs` after the start count for nothing; after
 * it `retries` of them in a row are too many. One success is enough.
 */
export const probeSchema = z.object({
  check: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('http'),
      path: z.string().regex(/^\/[\x21-\x7e]{0,1999}$/),
      port,
      /** Ranges, both ends included. */
      statuses: z
        .array(z.tuple([httpStatus, httpStatus]))
        .min(1)
        .max(20),
    }),
    z.object({ kind: z.literal('tcp'), port }),
  ]),
  /** From the end of a try to the next. */
  intervalMs: milliseconds,
  /** For one try. */
  timeoutMs: milliseconds.min(1),
  startPeriodMs: milliseconds,
  retries: z.int().min(1).max(1000),
});
export type Probe = z.infer<typeof probeSchema>;

/** A container of the server as the map file has it; `run` is checked again on the agent (`runDefinitionSchema`). */
export const containerSpecSchema = z.object({
  name,
  /** The image's name without a tag. */
  image: z.string().min(1).max(1000),
  kind: z.enum(['common', 'built']),
  run: z.record(z.string(), z.unknown()).optional(),
  /** Asked where it has no healthcheck. */
  probe: probeSchema.optional(),
  /** Seconds without an exit or restart that count as healthy where there is neither healthcheck nor probe. */
  settle: z.number().min(0).max(3600).optional(),
  /** The old one ends first unless it is said. */
  update: z.enum(UPDATE_ORDERS).optional(),
  /** The containers of the server that are exchanged before it. */
  dependsOn: z.array(name).max(100).optional(),
  /** For a built image: its build, so that the agent can ask its own runs what Latest is. */
  build: z
    .object({
      name,
      /** Whether it is built on this agent. */
      here: z.boolean(),
      /** What Latest is as the client knows it from the other agent; not looked at where it is built here. */
      latest: z.object({ tag: z.string().max(200), digest: z.string().max(200).optional() }).optional(),
    })
    .optional(),
});
export type ContainerSpec = z.infer<typeof containerSpecSchema>;

export const executeInputSchema = z.object({
  /** The idempotency key: a repeated one answers with the job that it started. */
  key: z.string().min(8).max(200),
  service: name,
  map: name,
  server: name,
  operator: z.string().max(200),
  /** All containers of the server, in the map's order. */
  containers: z.array(containerSpecSchema).min(1).max(100),
  choices: z
    .array(z.object({ container: name, choice: choiceSchema }))
    .min(1)
    .max(100),
  /**
   * What is chosen ran here before: where the container that ran it is kept still, its image is taken, and no registry is
   * asked. Older agents ask one.
   */
  rollback: z.boolean().optional(),
  /** Whether a container that its engine deletes when it stops (`--rm`) may be exchanged. Older agents refuse it. */
  allowAutoRemove: z.boolean().optional(),
});
export type ExecuteInput = z.infer<typeof executeInputSchema>;

export const executeOutputSchema = z.object({
  jobId: z.string(),
  /** True where the key had started this job before. */
  repeated: z.boolean(),
});
export type ExecuteOutput = z.infer<typeof executeOutputSchema>;

/** An agent says so in `hello` that takes `restore`. */
export const RESTORE_CAPABILITY = 'restore';

/** Asks for a degraded server's old version once more. Answered as an Execute is: it is a job of its own. */
export const restoreInputSchema = executeInputSchema.omit({
  choices: true,
  rollback: true,
  allowAutoRemove: true,
});
export type RestoreInput = z.infer<typeof restoreInputSchema>;

/** An agent says so in `hello` that tells what an Execute would do. */
export const PLAN_CAPABILITY = 'plan';

/** An Execute that is not done. A task of Build & Deploy that has no image yet is planned as far as it can be. */
export const planInputSchema = executeInputSchema.omit({ key: true, operator: true });
export type PlanInput = z.infer<typeof planInputSchema>;

/** What an Execute would do to one container. */
export const containerPlanSchema = z.object({
  container: name,
  from: jobTaskSchema.shape.from,
  /** Absent for one that nobody chose, and where its image is not built yet. */
  to: jobTaskSchema.shape.to.optional(),
  /** Why it is touched although nobody chose it: on what it hangs. */
  because: z.string().optional(),
  /** Absent where it is created for the first time. */
  order: z.enum(UPDATE_ORDERS).optional(),
  /** Created with `--rm`: the stop of the old one deletes it, with what it wrote outside of volumes. */
  autoRemove: z.boolean().optional(),
  /** What will not be the same in the new one; absent where that is not known. */
  changes: z.array(settingChangeSchema).optional(),
  /** Why it is not known. */
  unknown: z.string().optional(),
});
export type ContainerPlan = z.infer<typeof containerPlanSchema>;

export const executePlanSchema = z.object({
  /** In the order in which they are exchanged; none where it would be refused before anything is known of them. */
  containers: z.array(containerPlanSchema),
  steps: z.array(z.object({ id: z.string(), kind: z.enum(STEP_KINDS), container: z.string() })),
  refusal: refusalSchema.optional(),
});
export type ExecutePlan = z.infer<typeof executePlanSchema>;

export const versionsInputSchema = z.object({
  /** The image's name without a tag. */
  image: z.string().min(1).max(1000),
  /** Digests are looked up for at most this many of the newest. */
  limit: z.int().min(1).max(1000).default(100),
});

export const imageVersionSchema = z.object({
  tag: z.string(),
  digest: z.string().optional(),
  /** Compressed bytes. */
  size: z.number().optional(),
  createdAt: z.string().optional(),
  note: z.string().optional(),
});
export type ImageVersion = z.infer<typeof imageVersionSchema>;

export const versionsOutputSchema = z.object({
  versions: z.array(imageVersionSchema),
  /** How many tags the registry has in all. */
  total: z.int(),
});
export type VersionsOutput = z.infer<typeof versionsOutputSchema>;

export const jobsInputSchema = z.object({ limit: z.int().min(1).max(1000).default(100) });
export const jobInputSchema = z.object({ id: z.string().max(200) });
/** `lastEventId` is the `seq` of the last event seen, as text: tRPC's tracked() resumes by it. */
export const followJobInputSchema = z.object({
  id: z.string().max(200),
  lastEventId: z.string().max(20).optional(),
});
export const cancelJobInputSchema = z.object({ id: z.string().max(200) });
/** Agents whose `hello` names it know `since` of a container's log. */
export const LOGS_SINCE_CAPABILITY = 'logs-since';
export const logsInputSchema = z.object({
  container: name,
  follow: z.boolean().default(false),
  tail: z.int().min(0).max(1_000_000).default(100),
  /** In place of `tail`: all lines from this second on, of those since 1970. */
  since: z.int().min(0).optional(),
});
export const logLineSchema = z.object({
  at: z.string(),
  stream: z.enum(['stdout', 'stderr']),
  line: z.string(),
});
export type LogLine = z.infer<typeof logLineSchema>;

/** Every error that leaves an agent is one of these, in `error.data.towline`. */
export const PROTOCOL_ERROR_CODES = [
  'protocol-mismatch',
  'bad-request',
  'unauthorised',
  'not-found',
  'engine-unreachable',
  'registry-unavailable',
  'refused',
  'internal',
] as const;
export const protocolErrorSchema = z.object({
  code: z.enum(PROTOCOL_ERROR_CODES),
  message: z.string(),
  refusal: refusalSchema.optional(),
});
export type ProtocolError = z.infer<typeof protocolErrorSchema>;
