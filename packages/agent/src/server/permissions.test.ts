import { expect, test } from 'vitest';
import { NEEDS, type TokenCaller, whyNotPermitted } from './permissions.ts';
import { createRouter } from './router.ts';

const NOW = 1_000;
const anna: TokenCaller = { kind: 'token', name: 'anna', role: 'operator', hash: '', expiresAt: NOW + 1 };
const board: TokenCaller = { kind: 'token', name: 'board', role: 'viewer', hash: '' };

/** The services are not looked at before a procedure is called. */
const { procedures } = createRouter(new Proxy(Object.create(null), { get: () => ({}) }))._def;

test('every procedure of the router says what it needs, and nothing else does', () => {
  expect(Object.keys(NEEDS).toSorted()).toEqual(Object.keys(procedures).toSorted());
});

test.each(Object.entries(procedures))('%s is for those who may have it', (name, procedure) => {
  const { type } = procedure._def;
  // What changes something is a mutation, and what is none changes nothing.
  expect(NEEDS[name]).toBe(type === 'mutation' ? 'change' : 'look');
  expect(whyNotPermitted({ kind: 'local' }, name, NOW)).toBeUndefined();
  expect(whyNotPermitted(anna, name, NOW)).toBeUndefined();
  if (type === 'mutation') {
    expect(whyNotPermitted(board, name, NOW)).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('viewer'),
      refusal: { code: 'read-only' },
    });
  } else expect(whyNotPermitted(board, name, NOW)).toBeUndefined();
});

test.each(['constructor', 'toString', 'no-such', ''])(
  'what is not listed (%j) is open to no viewer',
  (name) => {
    expect(whyNotPermitted(board, name, NOW)).toMatchObject({ code: 'refused' });
  },
);

test('a token that ended is good for nothing', () => {
  expect(whyNotPermitted({ ...anna, ended: 'revoked' }, 'jobs', NOW)).toMatchObject({
    code: 'unauthorised',
    message: expect.stringContaining('revoked'),
  });
  expect(whyNotPermitted(anna, 'jobs', NOW + 1)).toMatchObject({
    code: 'unauthorised',
    message: expect.stringContaining('expired'),
  });
});
