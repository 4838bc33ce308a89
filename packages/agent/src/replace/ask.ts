import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import type { Probe } from '@towline/core/protocol';

export interface Answer {
  ok: boolean;
  /** What came back, for people: `503`, `connection refused`. */
  words: string;
}

/** Where a question goes: an IP address, never a name. */
export interface AskedPlace {
  host: string;
  port: number;
}

type Check = Probe['check'];

/**
 * Asks one question and takes what comes back first: of HTTP the status, and no byte of the body; of TCP that the
 * connection is taken. A redirect is an answer, and is not followed: it may lead anywhere. Never rejects.
 */
export function ask(
  check: Check,
  place: AskedPlace,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve) => {
    const end = (answer: Answer) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      call.destroy();
      resolve(answer);
    };
    const stop = () => end(no('it was not waited for'));
    const late = () => end(no(`no answer in ${Math.round(timeoutMs / 100) / 10} s`));
    const timer = setTimeout(late, timeoutMs);
    const call = check.kind === 'tcp' ? askTcp(place, end) : askHttp(check, place, end);
    call.on('error', (error: NodeJS.ErrnoException) => end(no(reasonOf(error))));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

function askTcp(place: AskedPlace, end: (answer: Answer) => void) {
  return connect(place).on('connect', () => end({ ok: true, words: 'takes connections' }));
}

function askHttp(
  { path, statuses }: Extract<Check, { kind: 'http' }>,
  place: AskedPlace,
  end: (answer: Answer) => void,
) {
  const byStatus = ({ statusCode = 0 }: IncomingMessage) => {
    const ok = statuses.some(([from, to]) => from <= statusCode && statusCode <= to);
    end({ ok, words: String(statusCode) });
  };
  const call = request({ ...place, path, agent: false, headers: { 'user-agent': 'towline' } });
  call.on('response', byStatus);
  // 101: what it would go on with is nobody's business here.
  call.on('upgrade', byStatus);
  call.end();
  return call;
}

function no(words: string): Answer {
  return { ok: false, words };
}

function reasonOf(error: NodeJS.ErrnoException): string {
  const { code = '' } = error;
  return code.startsWith('HPE_') ? 'its answer is no HTTP' : (REASONS[code] ?? error.message);
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'it closed the connection without an answer',
  EPIPE: 'it closed the connection without an answer',
  EHOSTUNREACH: 'there is no way to its address',
  ENETUNREACH: 'there is no way to its network',
  ETIMEDOUT: 'its address does not answer',
};
