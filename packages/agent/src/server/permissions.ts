import type { ProtocolError, Role } from '@towline/core/protocol';
import { endedToken } from '../access/index.ts';

/** Who asks: somebody of this machine, by the Unix socket; or the owner of a token, over the network. */
export type Caller = { kind: 'local' } | TokenCaller;

export interface TokenCaller {
  kind: 'token';
  name: string;
  role: Role;
  /** The token's own, by which it is known when it ends. */
  hash: string;
  /** Milliseconds since 1970. */
  expiresAt?: number;
  /** Its token is good no more; what still arrives from it counts for nothing. */
  ended?: 'revoked' | 'expired';
}

/** What a procedure does: a viewer may look and change nothing. One that is not listed is open to nobody with a token. */
export const NEEDS: Readonly<Record<string, 'look' | 'change'>> = {
  hello: 'look',
  watch: 'look',
  versions: 'look',
  execute: 'change',
  restore: 'change',
  plan: 'look',
  pruneList: 'look',
  prune: 'change',
  cancelJob: 'change',
  jobs: 'look',
  job: 'look',
  followJob: 'look',
  logs: 'look',
  runBuild: 'change',
  cancelBuild: 'change',
  buildRuns: 'look',
  buildRun: 'look',
  followBuildRun: 'look',
  buildLog: 'look',
  buildLogPart: 'look',
  searchBuildLog: 'look',
  followBuildLog: 'look',
  setBuildNote: 'change',
  cleanBuild: 'change',
  putSecret: 'change',
  removeSecret: 'change',
  secretNames: 'look',
  // It fetches into the agent's own copy of a repository, which is nobody's business.
  commitsBetween: 'look',
};

/** Why a caller may not have a procedure at this time (milliseconds since 1970); undefined where it may. */
export function whyNotPermitted(caller: Caller, procedure: string, now: number): ProtocolError | undefined {
  if (caller.kind === 'local') return undefined;
  const { name, role, expiresAt } = caller;
  const ended = caller.ended ?? (expiresAt !== undefined && expiresAt <= now ? 'expired' : undefined);
  if (ended !== undefined) return { code: 'unauthorised', message: endedToken(name, ended).message };
  const need = Object.hasOwn(NEEDS, procedure) ? NEEDS[procedure] : undefined;
  if (need === 'look' || (need === 'change' && role === 'operator')) return undefined;
  const message = `The token "${name}" is a viewer's: it looks at everything and changes nothing. Come with an operator's token to change something.`;
  return { code: 'refused', message, refusal: { code: 'read-only', message } };
}

/** The request with the caller as the one who asks for it, whatever name was sent: what a token does is its owner's. */
export function signed(input: unknown, { name }: TokenCaller): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  return { ...input, operator: name };
}
