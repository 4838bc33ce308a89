export { type AgentServer, type AgentServerOptions, type ServerLog, startServer } from './agent-server.ts';
export { listenPlan } from './listen-words.ts';
export type { AgentRouter } from './router.ts';
export { type RunAgentOptions, type RunningAgent, runAgent } from './run-agent.ts';
