import { ok, type Result } from '@towline/core/result';
import { type AgentAddress, type SshAddress, sshUrl } from './agent-url.ts';
import { REMOTE_BACKOFF } from './backoff.ts';
import { type ProofDefinition, proofPlace } from './proof.ts';
import type { AskPassphrase, RemoteShell, SshWays } from './ssh/index.ts';
import type { Transport } from './transport.ts';
import { unixTransport } from './unix-transport.ts';
import { wsTransport } from './ws-transport.ts';

/** The ways to all agents of a map, with what several of them share. */
export interface Transports {
  /** `proof` is for those over TCP. Errors: as a link tells them. */
  to(address: AgentAddress, proof?: ProofDefinition): Result<Transport>;
  /** A shell of a machine with an agent, by the connection that its agents are reached by. Errors: as a link tells them. */
  shell(address: SshAddress, signal: AbortSignal): Promise<Result<RemoteShell>>;
  /** From the next try on, passphrases are asked for again that were not given, or were wrong. */
  askAgain(): void;
  /** Ends what they share. */
  close(): Promise<void>;
}

export interface TransportsOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** The map file whose agents they are; none where there is none. */
  mapFile?: string;
  /** Without it nobody is asked. */
  askPassphrase?: AskPassphrase;
}

export function createTransports(options: TransportsOptions): Transports {
  const { env, mapFile, askPassphrase: ask = async () => undefined } = options;
  let ways: Promise<SshWays> | undefined;
  // Loaded where it is needed: it costs as much as all of the rest of a command.
  const overSsh = () => {
    ways ??= import('./ssh/index.ts').then(({ createSshWays }) => createSshWays({ env, ask }));
    return ways;
  };
  return {
    to(address, proof = {}) {
      switch (address.kind) {
        case 'unix':
          return ok(unixTransport(address));
        case 'ws':
          return ok(wsTransport(address, proof, proofPlace(mapFile, env)));
        case 'ssh':
          return ok({
            name: sshUrl(address),
            backoff: REMOTE_BACKOFF,
            open: async (signal) => (await overSsh()).open(address, signal),
          });
      }
    },
    shell: async (address, signal) => (await overSsh()).shell(address, signal),
    askAgain: () => void ways?.then((each) => each.askAgain()),
    async close() {
      (await ways)?.close();
    },
  };
}
