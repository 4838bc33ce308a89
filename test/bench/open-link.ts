import type { WatchEvent } from '@towline/core/protocol';
import { type AgentLink, createLink, createTransports } from '@towline/tui/link';

/** A link to the agent with this socket, by the client that the dashboard uses, once it is there. */
export function openLink(
  socket: string,
  onWatch: (event: WatchEvent) => void = () => {},
): Promise<AgentLink> {
  return new Promise((resolve, reject) => {
    const link = createLink({
      transport: createTransports({ env: process.env }).to({ kind: 'unix', path: socket }),
      version: 'test',
      listener: {
        onState: (state) => {
          if (state.state === 'connected') resolve(link);
          else if (state.state !== 'connecting') reject(new Error(state.message));
        },
        onHello: () => {},
        onWatch,
      },
    });
  });
}
