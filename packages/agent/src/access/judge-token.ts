import { timingSafeEqual } from 'node:crypto';
import type { DoorCode } from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import { hashToken, type StoredToken, tokenState } from './token.ts';

/** Why a token lets nobody in. The message names no token that is not the asker's own. */
export interface TokenRefusal {
  code: DoorCode;
  message: string;
}

/** Whose state folder is whose is not told to somebody who was not let in. */
const MAKE_ONE =
  "Make one on its machine: `towline-agent token create NAME --role operator --state-dir DIR`, with the agent's own DIR (where root installed it, /opt/towline/current/towline-agent and /var/lib/towline)";

/**
 * Whose token a request's `Authorization` header has, at this time (milliseconds since 1970). All that are kept are compared,
 * each in constant time: how long it takes says nothing about any of them. Errors: `token-missing`, `token-unknown`,
 * `token-revoked`, `token-expired`.
 */
export function judgeToken(
  authorization: string | undefined,
  tokens: readonly StoredToken[],
  now: number,
): Result<StoredToken, TokenRefusal> {
  const hash = bearerHash(authorization);
  if (hash === undefined) {
    return err({ code: 'token-missing', message: `The agent wants a token. ${MAKE_ONE}.` });
  }
  const given = Buffer.from(hash, 'hex');
  const same = (kept: string) => timingSafeEqual(given, Buffer.from(kept, 'hex'));
  let found: StoredToken | undefined;
  let former: StoredToken | undefined;
  for (const stored of tokens) {
    if (same(stored.hash)) found = stored;
    for (const kept of stored.former) if (same(kept)) former = stored;
  }
  if (found === undefined) {
    return former === undefined
      ? err({ code: 'token-unknown', message: `The agent knows no such token. ${MAKE_ONE}.` })
      : err(endedToken(former.name, 'revoked'));
  }
  const state = tokenState(found, now);
  return state === 'good' ? ok(found) : err(endedToken(found.name, state));
}

/** The hash of the token in a request's `Authorization` header; undefined where there is none. */
export function bearerHash(authorization: string | undefined): string | undefined {
  const [, token] = /^Bearer +([\x21-\x7e]{1,500})$/i.exec(authorization ?? '') ?? [];
  return token === undefined ? undefined : hashToken(token);
}

/** What its owner is told of a token that was good once. */
export function endedToken(name: string, state: 'revoked' | 'expired'): TokenRefusal {
  const what = state === 'revoked' ? 'was revoked' : 'has expired';
  return { code: `token-${state}`, message: `The token "${name}" ${what}. ${MAKE_ONE}.` };
}
