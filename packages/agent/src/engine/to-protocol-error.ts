import type { ProtocolError } from '@towline/core/protocol';
import type { EngineError } from './engine.ts';

/** How a client is told that its agent's engine could not do what was asked. */
export function toProtocolError({ code, message }: EngineError): ProtocolError {
  return { code: code === 'unreachable' ? 'engine-unreachable' : 'internal', message };
}
