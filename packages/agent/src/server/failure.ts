import type { ProtocolError } from '@towline/core/protocol';
import { TRPCError } from '@trpc/server';
import { ZodError } from 'zod';
import { EngineError } from '../engine/index.ts';

/** Carries a protocol error through tRPC, to `error.data.towline`. */
class ProtocolFailure extends Error {
  readonly error: ProtocolError;

  constructor(error: ProtocolError) {
    super(error.message);
    this.name = 'ProtocolFailure';
    this.error = error;
  }
}

/** What to throw in a procedure for an expected failure. */
export function fail(error: ProtocolError): TRPCError {
  return new TRPCError({
    code: trpcCode(error.code),
    message: error.message,
    cause: new ProtocolFailure(error),
  });
}

/** What leaves the agent for whatever was thrown: one of the protocol's errors, and nothing of the agent's insides. */
export function toProtocolError(error: TRPCError): ProtocolError {
  const { cause } = error;
  if (cause instanceof ProtocolFailure) return cause.error;
  if (cause instanceof EngineError) return fromEngineError(cause);
  if (error.code === 'BAD_REQUEST' && cause instanceof ZodError) {
    const issue = cause.issues[0];
    const at = issue === undefined || issue.path.length === 0 ? 'the request' : `"${issue.path.join('.')}"`;
    return {
      code: 'bad-request',
      message: `The agent can't take ${at}: ${issue?.message ?? 'it has the wrong form'}.`,
    };
  }
  if (error.code === 'NOT_FOUND') {
    return {
      code: 'bad-request',
      message: `This agent has no such call: ${error.message}. It may be too old.`,
    };
  }
  if (error.code === 'BAD_REQUEST' || error.code === 'PARSE_ERROR' || error.code === 'METHOD_NOT_SUPPORTED') {
    return { code: 'bad-request', message: `The agent can't read the request: ${error.message}.` };
  }
  return { code: 'internal', message: 'Something went wrong in the agent itself; its log says more.' };
}

function fromEngineError(error: EngineError): ProtocolError {
  switch (error.code) {
    case 'not-found':
      return { code: 'not-found', message: error.message };
    case 'unreachable':
      return { code: 'engine-unreachable', message: error.message };
    case 'conflict':
    case 'engine':
      return { code: 'internal', message: `The engine refused: ${error.message}` };
  }
}

function trpcCode(code: ProtocolError['code']): TRPCError['code'] {
  switch (code) {
    case 'protocol-mismatch':
      return 'PRECONDITION_FAILED';
    case 'bad-request':
      return 'BAD_REQUEST';
    case 'unauthorised':
      return 'UNAUTHORIZED';
    case 'not-found':
      return 'NOT_FOUND';
    case 'engine-unreachable':
    case 'registry-unavailable':
      return 'SERVICE_UNAVAILABLE';
    case 'refused':
      return 'CONFLICT';
    case 'internal':
      return 'INTERNAL_SERVER_ERROR';
  }
}
