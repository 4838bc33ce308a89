import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/**
 * Whether a registry may be talked to without TLS, by the engine's own rule: loopback always, and the hosts and networks
 * that the engine lists. `host` is `name[:port]`; a name that can't be resolved is in no network.
 */
export async function mayBePlain(host: string, listed: readonly string[]): Promise<boolean> {
  if (listed.includes(host)) return true;
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  const networks = new BlockList();
  networks.addSubnet('127.0.0.0', 8, 'ipv4');
  networks.addAddress('::1', 'ipv6');
  for (const entry of listed) addNetwork(networks, entry);
  const addresses = isIP(name) ? [name] : await addressesOf(name);
  return addresses.some((address) => networks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'));
}

function addNetwork(networks: BlockList, entry: string): void {
  const [address = '', bits = ''] = entry.split('/');
  const family = isIP(address);
  const prefix = Number(bits);
  if (family === 0 || bits === '' || !Number.isInteger(prefix)) return;
  try {
    networks.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
  } catch {
    // No network: the engine would not take it either.
  }
}

async function addressesOf(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map((found) => found.address);
  } catch {
    return [];
  }
}
