import { protocolErrorSchema } from '@towline/core/answers';
import type { Refusal } from '@towline/core/rules';
import { TRPCClientError } from '@trpc/client';

/** Why a call to an agent brought nothing: the protocol's codes, and `agent-unreachable` where it did not get there. */
export interface CallFailure {
  code: string;
  message: string;
  refusal?: Refusal;
}

/** Thrown out of a stream that can't go on. */
export class CallError extends Error {
  readonly failure: CallFailure;

  constructor(failure: CallFailure) {
    super(failure.message);
    this.name = 'CallError';
    this.failure = failure;
  }
}

export function unreachable(message: string): CallFailure {
  return { code: 'agent-unreachable', message };
}

/**
 * What a call that was thrown out of came to. `lost` is why its connection ended, where it did: whatever the client
 * says then is a consequence of that.
 */
export function toCallFailure(error: unknown, lost: string | undefined): CallFailure {
  if (error instanceof CallError) return error.failure;
  if (error instanceof TRPCClientError) {
    const data: unknown = error.data;
    if (typeof data === 'object' && data !== null && 'towline' in data) {
      const told = protocolErrorSchema.safeParse(data.towline);
      if (told.success) return fromProtocol(told.data);
    }
  }
  if (lost !== undefined) return unreachable(lost);
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'internal',
    message: `The agent's answer is none that this version understands: ${message}.`,
  };
}

function fromProtocol({ code, message, refusal }: ReturnType<typeof protocolErrorSchema.parse>): CallFailure {
  if (refusal === undefined) return { code, message };
  const { container, ...rest } = refusal;
  return { code, message, refusal: container === undefined ? rest : { ...rest, container } };
}
