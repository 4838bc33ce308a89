/**
 * Which comes first for one container: the old one's end (`stop-first`), or the new one's start, so that both serve until
 * the new one has passed its check (`start-first`).
 */
export const UPDATE_ORDERS = ['stop-first', 'start-first'] as const;
export type UpdateOrder = (typeof UPDATE_ORDERS)[number];
