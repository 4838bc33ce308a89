export {
  type AgentLink,
  createLink,
  type LinkListener,
  type LinkOptions,
  type LogsOptions,
} from './agent-link.ts';
export { type AgentAddress, agentAddress, type SshAddress } from './agent-url.ts';
export { buildEvents, buildLogLines, type LogFollowStart } from './build-streams.ts';
export { CallError, type CallFailure, unreachable } from './call-error.ts';
export { agentOfSocket, type LocalAgent, localAgent } from './local-agent.ts';
export { type LocalPlace, localPlace } from './local-place.ts';
export { type ProofPlace, proofPlace, proofProblems } from './proof.ts';
export { jobEvents } from './resumable.ts';
export type { AskPassphrase, RemoteShell } from './ssh/index.ts';
export { shellWord } from './ssh/shell-word.ts';
export type { Transport } from './transport.ts';
export { createTransports } from './transports.ts';
export { whyUnreadable } from './why-unreadable.ts';
