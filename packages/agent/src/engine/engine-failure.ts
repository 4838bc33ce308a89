import { EngineError } from './engine.ts';

/** Whatever a call to the engine threw, as the error that it is. `where` is the engine's address for people. */
export function toEngineError(error: unknown, where: string): EngineError {
  if (error instanceof EngineError) return error;
  return unreachable(reasonOf(error), where);
}

/** The engine answered, and refused. */
export function refusal(status: number, sentence: string): EngineError {
  const code = status === 404 ? 'not-found' : status === 409 ? 'conflict' : 'engine';
  return new EngineError(code, sentence, status);
}

export function unreachable(reason: string, where: string): EngineError {
  const end = reason.endsWith('?') ? '' : '.';
  return new EngineError('unreachable', `The engine at ${where} can't be reached: ${reason}${end}`);
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Why a connection was not made, or did not last. */
export function reasonOf(error: unknown, message: string = wordsOf(error)): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such socket; is the engine running?';
    case 'ECONNREFUSED':
      return 'nothing listens there; is the engine running?';
    case 'EACCES':
      return 'this user may not use its socket; add the user to the group "docker", or run as root';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return 'it broke off in the middle of an answer';
    default:
      if (error instanceof Error && error.name === 'TimeoutError') return 'it did not answer in time';
      return message.replace(/\.$/, '');
  }
}
