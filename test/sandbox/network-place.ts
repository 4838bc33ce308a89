import { run } from './command.ts';
import { type Host, hostFolder, hostNamespace, inNamespace, makeHostPlace } from './host.ts';
import type { LineEnd } from './line.ts';
import { removeHostRemains } from './remains.ts';

/** A machine with a network and nothing else in it, such as an operator's. */
export interface NetworkPlace extends LineEnd {
  /** The words that start a program in this network. */
  inside(words: readonly string[]): string[];
  close(): Promise<void>;
}

/** In the sandbox of a host, and gone with it at the latest; `name` as that of a host. */
export async function makeNetworkPlace(beside: Host, name: string): Promise<NetworkPlace> {
  const { sandboxDir, sandboxId } = beside;
  const place = { sandboxId, sandboxDir, name };
  await makeHostPlace(place);
  const namespace = hostNamespace(place);
  return {
    namespace,
    sandboxDir,
    run: (command, args) => run('nsenter', inNamespace(place, [command, ...args])),
    inside: (words) => ['nsenter', ...inNamespace(place, words)],
    close: () => removeHostRemains({ namespace, folder: hostFolder(place) }),
  };
}
