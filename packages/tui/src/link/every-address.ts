/**
 * For `connect` of node:net: how it goes through the addresses of a name. Node leaves each but the last after a quarter of
 * a second, which is less than a packet takes to the other side of the world and back.
 */
export const EVERY_ADDRESS = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 2_500 } as const;
