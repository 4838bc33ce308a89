import { err, ok, type Result } from '@towline/core/result';

/** Where an agent listens. */
export interface UnixAddress {
  kind: 'unix';
  path: string;
}

/** An agent's `url` of the map file as an address. Errors: `not-available` (it will be one day), `bad-url`. */
export function agentAddress(url: string): Result<UnixAddress> {
  const scheme = /^([a-z+]+):\/\//.exec(url)?.[1];
  switch (scheme) {
    case 'unix': {
      const path = decoded(url.slice('unix://'.length));
      if (path?.startsWith('/')) return ok({ kind: 'unix', path });
      return err(badUrl(url, 'a Unix socket needs an absolute path, as in unix:///run/towline/agent.sock'));
    }
    case 'ssh':
    case 'wss':
    case 'ws':
      return err({
        code: 'not-available',
        message: `Links of the kind ${scheme}:// are not available yet, so ${url} can't be reached: this version uses unix:/// alone. Run towline on the agent's machine and use its socket: unix:///PATH.`,
      });
    default:
      return err(badUrl(url, 'it is unix:///PATH'));
  }
}

function badUrl(url: string, expected: string) {
  return { code: 'bad-url', message: `The agent's url "${url}" can't be used: ${expected}.` };
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
