/** One port of a container, and where the host publishes it. */
export interface PublishedPort {
  /** As the engine names it: `80/tcp`. */
  container: string;
  /** Empty for all addresses. */
  hostIp: string;
  /** Empty for one that the engine picks. */
  hostPort: string;
}

const PROTOCOLS = ['tcp', 'udp', 'sctp'];
const MAX_PORT = 65_535;

/**
 * Ports as the Compose Specification's short form writes them: `80`, `8080:80`, `127.0.0.1:8080:80/udp`, `[::1]:80:80`,
 * `3000-3002:3000-3002`. Undefined where it is none.
 */
export function parsePorts(text: string): PublishedPort[] | undefined {
  const [, ip = '', host, target = '', protocol = 'tcp'] =
    /^(?:(?:(\[[0-9a-fA-F:]+\]|\d+(?:\.\d+){3}):)?(\d+(?:-\d+)?)?:)?(\d+(?:-\d+)?)(?:\/([a-z]+))?$/.exec(
      text,
    ) ?? [];
  if (target === '' || !PROTOCOLS.includes(protocol)) return undefined;
  const targets = portRange(target);
  const hosts = host === undefined ? undefined : portRange(host);
  if (targets === undefined || (host !== undefined && hosts === undefined)) return undefined;
  const hostIp = ip.replace(/^\[|\]$/g, '');
  // A range of the host for one port means any of them.
  if (hosts !== undefined && targets.length === 1 && hosts.length > 1) {
    return [{ container: `${targets[0]}/${protocol}`, hostIp, hostPort: host ?? '' }];
  }
  if (hosts !== undefined && hosts.length !== targets.length) return undefined;
  return targets.map((port, at) => ({
    container: `${port}/${protocol}`,
    hostIp,
    hostPort: hosts === undefined ? '' : String(hosts[at]),
  }));
}

/** `3000-3002` as its ports; undefined where it is no range of ports. */
function portRange(text: string): number[] | undefined {
  const [from = 0, to = from] = text.split('-').map(Number);
  if (from < 1 || to < from || to > MAX_PORT) return undefined;
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}
