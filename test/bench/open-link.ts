import type { WatchEvent } from '@towline/core/protocol';
import { type AgentLink, createLink, createTransports } from '@towline/tui/link';

type Transport = ReturnType<ReturnType<typeof createTransports>['to']>;

/** A link to the agent with this socket, by the client that the dashboard uses, once it is there. */
export function openLink(
  socket: string,
  onWatch: (event: WatchEvent) => void = () => {},
): Promise<AgentLink> {
  return openLinkOver(createTransports({ env: process.env }).to({ kind: 'unix', path: socket }), onWatch);
}

/** The same over any way. */
export function openLinkOver(
  transport: Transport,
  onWatch: (event: WatchEvent) => void = () => {},
): Promise<AgentLink> {
  return new Promise((resolve, reject) => {
    const link = createLink({
      transport,
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
