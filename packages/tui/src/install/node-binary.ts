/** Node's own names for what it runs on. */
export type NodeArch = 'x64' | 'arm64';

/** A Node that can be sent to a machine. */
export interface NodeBinary {
  path: string;
  bytes: number;
  /** `24.21.0`. */
  version: string;
  arch: NodeArch;
}

/** `uname -m` as Node names it; undefined for one that no Node is sent to. */
export function archOf(machine: string): NodeArch | undefined {
  if (machine === 'x86_64' || machine === 'amd64') return 'x64';
  return machine === 'aarch64' || machine === 'arm64' ? 'arm64' : undefined;
}

/** What a program for Linux runs on, by its first 20 bytes (ELF: magic, 64 bits, little endian, machine). */
export function elfArch(head: Uint8Array): NodeArch | undefined {
  const magic = [0x7f, 0x45, 0x4c, 0x46, 2, 1];
  if (head.length < 20 || magic.some((byte, at) => head[at] !== byte)) return undefined;
  const machine = (head[18] ?? 0) | ((head[19] ?? 0) << 8);
  return machine === 0x3e ? 'x64' : machine === 0xb7 ? 'arm64' : undefined;
}

/** The first Node that the agent runs on. */
export const LEAST_NODE = 22;

/** Whether the agent runs on this version of Node: `v22.4.1`. */
export function isNewEnough(version: string): boolean {
  return Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0) >= LEAST_NODE;
}

/** Whether a Node is one file, and needs no libraries of Node's that a distribution has beside it. */
export function isWhole(variables: Readonly<Record<string, unknown>>): boolean {
  return !Object.entries(variables).some(([name, value]) => name.startsWith('node_shared') && value === true);
}
