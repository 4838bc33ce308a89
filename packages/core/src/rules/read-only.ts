import type { Refusal } from './refusal.ts';

type ReadOnly = Refusal & { code: 'read-only' };

/** `towline --read-only` changes nothing. `to` is what was wanted, as in `to execute`. */
export function readOnlyRefusal(to: string): ReadOnly {
  return {
    code: 'read-only',
    message: `This connection is read-only. Start towline without --read-only to ${to}.`,
  };
}

/** What an agent would say to a viewer's token, said before it is asked. */
export function viewerRefusal(agent: string, token: string): ReadOnly {
  return {
    code: 'read-only',
    message: `Your token "${token}" is a viewer's on ${agent}: everything can be looked at, nothing changed. Come with an operator's token to change something.`,
  };
}
