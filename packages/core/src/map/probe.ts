import type * as z from 'zod';
import type { Probe } from '../protocol/index.ts';
import { either, keys, listOf, read, text, wholeNumber } from './expecting.ts';
import { parseDuration } from './quantity.ts';

type Statuses = Extract<Probe['check'], { kind: 'http' }>['statuses'];

const STATUS = 'an HTTP status such as 200, or a range such as "200-299"';
const status = either(
  [wholeNumber(STATUS, 100, 599), text(STATUS, (value) => rangeOf(value) !== undefined)],
  STATUS,
);

const duration = (from: string, least: number, to: string, most: number) => {
  const expected = `a duration with its unit from ${from} to ${to}, such as 5s`;
  return read(expected, (value) => {
    const ms = milliseconds(value);
    return ms === undefined || ms < least || ms > most ? undefined : value;
  });
};

const PORT = 'the port that it listens on in the container, from 1 to 65535';
const port = wholeNumber(PORT, 1, 65_535);
/** As the request line takes it: what has to be escaped is escaped already. */
const PATH = 'a path such as /health, at most 2000 characters, without spaces';

/**
 * How the agent asks a container itself whether it serves, where it has no healthcheck. The timing has the names and the
 * meaning of the Compose Specification's `healthcheck`.
 */
export const probeDefinitionSchema = keys(
  {
    http: text(PATH, (value) => /^\/[\x21-\x7e]{0,1999}$/.test(value)).optional(),
    port: port.optional(),
    status: either(
      [status, listOf(status, `${STATUS}, or a list of them`).min(1).max(20)],
      `${STATUS}, or a list of them`,
    ).optional(),
    tcp: port.optional(),
    interval: duration('100ms', 100, '1h', 3_600_000).optional(),
    timeout: duration('100ms', 100, '5m', 300_000).optional(),
    start_period: duration('0s', 0, '1h', 3_600_000).optional(),
    retries: wholeNumber('how many failures in a row are too many, from 1 to 1000', 1, 1000).optional(),
  },
  'a map with http and port, or with tcp',
).superRefine(({ http, port: at, status: statuses, tcp }, context) => {
  const problem = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (http !== undefined && tcp !== undefined) problem(['tcp'], 'either http or tcp, not both');
  else if (http === undefined && tcp === undefined) problem([], 'http (a path) with port, or tcp (a port)');
  else if (http !== undefined && at === undefined) problem(['port'], PORT);
  else if (tcp !== undefined && at !== undefined) problem(['port'], 'no port beside tcp, which is the port');
  else if (tcp !== undefined && statuses !== undefined) problem(['status'], 'no status beside tcp');
});

export type ProbeInput = z.input<typeof probeDefinitionSchema>;

/** Any answer that is no error, as Kubernetes has it. */
const DEFAULT_STATUSES: Statuses = [[200, 399]];
const DEFAULT_INTERVAL_MS = 1_000;
const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_START_PERIOD_MS = 30_000;
const DEFAULT_RETRIES = 3;

/** A probe that the schema took, as the agent gets it. */
export function toProbe(input: ProbeInput): Probe {
  const { http, tcp, port: at, status: given } = input;
  return {
    check:
      http === undefined
        ? { kind: 'tcp', port: tcp ?? 0 }
        : { kind: 'http', path: http, port: at ?? 0, statuses: statusesOf(given) },
    intervalMs: milliseconds(input.interval) ?? DEFAULT_INTERVAL_MS,
    timeoutMs: milliseconds(input.timeout) ?? DEFAULT_TIMEOUT_MS,
    startPeriodMs: milliseconds(input.start_period) ?? DEFAULT_START_PERIOD_MS,
    retries: input.retries ?? DEFAULT_RETRIES,
  };
}

/** The probe as the map file says it, every value written out. */
export function probeNode({ check, intervalMs, timeoutMs, startPeriodMs, retries }: Probe): ProbeInput {
  return {
    ...(check.kind === 'tcp'
      ? { tcp: check.port }
      : {
          http: check.path,
          port: check.port,
          status: check.statuses.map(([from, to]) => (from === to ? from : `${from}-${to}`)),
        }),
    interval: `${intervalMs}ms`,
    timeout: `${timeoutMs}ms`,
    start_period: `${startPeriodMs}ms`,
    retries,
  };
}

function statusesOf(given: ProbeInput['status']): Statuses {
  if (given === undefined) return DEFAULT_STATUSES;
  return [given].flat().flatMap((one): Statuses => {
    const range = typeof one === 'number' ? ([one, one] as const) : rangeOf(one);
    return range === undefined ? [] : [[...range]];
  });
}

function rangeOf(value: string): readonly [number, number] | undefined {
  const [, from, to = from] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(value) ?? [];
  if (from === undefined || to === undefined || Number(to) < Number(from)) return undefined;
  return [Number(from), Number(to)];
}

function milliseconds(value: string | undefined): number | undefined {
  const nanoseconds = value === undefined ? undefined : parseDuration(value);
  return nanoseconds === undefined ? undefined : nanoseconds / 1e6;
}
