import type { Hop } from './route.ts';

/** A hop for people, and what is reached through which: `deploy@web-1 (10.0.0.7:22, through gate)`. */
export function hopName(hops: readonly Hop[]): string {
  const hop = hops.at(-1);
  if (hop === undefined) return 'nowhere';
  const { user, name, host, port } = hop;
  const before = hops.slice(0, -1).map((each) => each.name);
  const where = host === name && port === 22 ? [] : [host === name ? `port ${port}` : `${host}:${port}`];
  const through = before.length === 0 ? [] : [`through ${before.join(', then ')}`];
  const aside = [...where, ...through];
  return `${user}@${name}${aside.length === 0 ? '' : ` (${aside.join(', ')})`}`;
}
