import * as z from 'zod';
import { UPDATE_ORDERS } from '../job/index.ts';

/** Raised when an older peer could misread a newer one. Unknown fields and events are ignored, so additions do not. */
export const PROTOCOL_VERSION = 1;

export const helloInputSchema = z.object({ protocol: z.int(), version: z.string().max(100) });

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
const operator = z.string().max(200);

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
  operator,
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

export const versionsInputSchema = z.object({
  /** The image's name without a tag. */
  image: z.string().min(1).max(1000),
  /** Digests are looked up for at most this many of the newest. */
  limit: z.int().min(1).max(1000).default(100),
});

export const jobsInputSchema = z.object({ limit: z.int().min(1).max(1000).default(100) });
export const jobInputSchema = z.object({ id: z.string().max(200) });
/** `lastEventId` is the `seq` of the last event seen, as text: tRPC's tracked() resumes by it. */
export const followJobInputSchema = z.object({
  id: z.string().max(200),
  lastEventId: z.string().max(20).optional(),
});
export const cancelJobInputSchema = z.object({
  id: z.string().max(200),
  operator: operator.optional(),
});
/** Agents whose `hello` names it know `since` of a container's log. */
export const LOGS_SINCE_CAPABILITY = 'logs-since';
export const logsInputSchema = z.object({
  container: name,
  follow: z.boolean().default(false),
  tail: z.int().min(0).max(1_000_000).default(100),
  /** In place of `tail`: all lines from this second on, of those since 1970. */
  since: z.int().min(0).optional(),
});
