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
import { CONTAINER_STATES, ROLES } from '../protocol/index.ts';

export const helloSchema = z.object({
  protocol: z.int(),
  version: z.string(),
  /** The agent's process id and when it started: a changed pair is a restarted agent. */
  pid: z.int(),
  startedAt: z.string(),
  /** What its clock says as it answers: the times of its jobs and runs are of that clock; absent from older agents. */
  now: z.iso.datetime().optional(),
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

export const executeOutputSchema = z.object({
  jobId: z.string(),
  /** True where the key had started this job before. */
  repeated: z.boolean(),
});
export type ExecuteOutput = z.infer<typeof executeOutputSchema>;

/** What an Execute would do to one container. */
export const containerPlanSchema = z.object({
  container: z.string(),
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
