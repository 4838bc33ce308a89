import { type ExitCode, exitCodeOfRefusal } from '@towline/core/plan';
import type { CallFailure } from '../link/index.ts';
import type { CommandFailure } from './context.ts';

/** How a command ends whose call to an agent brought nothing. */
export function exitCodeOfCall({ code, refusal }: CallFailure): ExitCode {
  if (refusal !== undefined) return exitCodeOfRefusal(refusal);
  switch (code) {
    case 'agent-unreachable':
    case 'protocol-mismatch':
    // The agent answers, and what it is there for does not.
    case 'engine-unreachable':
    // Nor does the agent that began it.
    case 'agent-forgot':
      return 5;
    case 'refused':
      return 2;
    default:
      return 1;
  }
}

export function callFailed(failure: CallFailure): CommandFailure {
  const { code, message, refusal } = failure;
  return {
    code,
    message,
    exitCode: exitCodeOfCall(failure),
    ...(refusal !== undefined && { json: { refusal } }),
  };
}
