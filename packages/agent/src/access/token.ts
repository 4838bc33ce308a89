import { createHash, randomBytes } from 'node:crypto';
import { ROLES } from '@towline/core/protocol';
import * as z from 'zod';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const time = z.iso.datetime();

/** What a name for a token is, for people. */
export const TOKEN_NAME_WORDS = 'up to 64 of A-Z, a-z, 0-9 and . _ @ -, beginning with a letter or a digit';
/** A name is a file's as well, and it stands in every job that its owner starts. */
export const tokenNameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/);

/** What is kept of a token: nothing that it could be made from. */
export const storedTokenSchema = z.object({
  name: tokenNameSchema,
  role: z.enum(ROLES),
  hash,
  createdAt: time,
  expiresAt: time.optional(),
  revokedAt: time.optional(),
  /** Those that had the name before: who comes with one is told that it was revoked. */
  former: z.array(hash).default([]),
});
export type StoredToken = z.infer<typeof storedTokenSchema>;

/** 256 random bits. The beginning says what it is to whoever finds one in a file, and to programs that look for such. */
export function newToken(): string {
  return `towline_${randomBytes(32).toString('base64url')}`;
}

/**
 * One pass of SHA-256, and no slow hash: that is for passwords, which can be guessed. Nobody guesses 256 random bits, and
 * whoever is not let in must not be able to make the agent work for it.
 */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Whether a token is good at this time, in milliseconds since 1970. */
export function tokenState(
  { revokedAt, expiresAt }: Pick<StoredToken, 'revokedAt' | 'expiresAt'>,
  now: number,
): 'good' | 'revoked' | 'expired' {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && Date.parse(expiresAt) <= now ? 'expired' : 'good';
}
