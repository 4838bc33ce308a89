/** One of the two ends of a connection. */
export interface ProtocolSide {
  protocol: number;
  version: string;
}

/** What is to be done about an agent that is too old. */
export const UPDATE_AGENT = 'Update it: over SSH, `towline agent install` does.';

/** That the two ends speak different protocols, which of them is the older, and what to do. */
export function protocolMismatch(towline: ProtocolSide, agent: ProtocolSide): string {
  const what =
    towline.protocol < agent.protocol
      ? 'towline is too old. Update the checkout that it runs from.'
      : `the agent is too old. ${UPDATE_AGENT}`;
  return `towline (${towline.version}) speaks protocol ${towline.protocol} and the agent (${agent.version}) ${agent.protocol}: ${what}`;
}
