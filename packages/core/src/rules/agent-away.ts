/**
 * That an agent can't be used now. `reason` is one sentence or more, with the hop that failed and what to do, and stays as it
 * is: it may end in a command that is copied. `what` is what the agent is there for: `which builds storefront`.
 */
export function agentAway(agent: string, reason: string | undefined, what?: string): string {
  const who = what === undefined ? `The agent ${agent}` : `The agent ${agent}, ${what},`;
  return reason === undefined
    ? `${who} can't be reached. \`towline agents\` says which hop failed.`
    : // Also of one that answers, and whose engine does not, or that speaks another protocol.
      `${who} can't be used: ${reason}`;
}
