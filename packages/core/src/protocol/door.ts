import * as z from 'zod';

/** What a token lets its owner do: a viewer looks at everything and changes nothing. */
export const ROLES = ['operator', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

/** Why an agent lets nobody in, before there is a connection that the protocol's errors could go through. */
export const DOOR_CODES = [
  'token-missing',
  'token-unknown',
  'token-revoked',
  'token-expired',
  'client-certificate',
  'too-many-tries',
  'too-many-clients',
  'origin',
  'not-found',
] as const;
export type DoorCode = (typeof DOOR_CODES)[number];

/** The body of the answer to a request that was not let in. What answers with another is no Towline agent. */
export const doorRefusalSchema = z.object({
  towline: z.object({
    /** One of `DOOR_CODES`, or a newer agent's. */
    code: z.string(),
    message: z.string(),
  }),
});
export type DoorRefusal = z.infer<typeof doorRefusalSchema>;

/** A WebSocket's close code (of those left to programs) for a client whose token ended; the reason is the `DoorCode`. */
export const TOKEN_ENDED = 4401;
