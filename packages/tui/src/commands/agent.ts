import type { Command } from 'commander';
import { addAgentInstall } from './agent-install.ts';
import { addAgentUninstall } from './agent-uninstall.ts';
import type { Run } from './context.ts';

export function addAgent(program: Command, run: Run): void {
  const agent = program
    .command('agent')
    .description('put the agent on a machine over SSH, or take it off')
    .helpCommand(false);
  addAgentInstall(agent, run);
  addAgentUninstall(agent, run);
}
