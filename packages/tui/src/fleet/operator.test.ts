import { expect, test } from 'vitest';
import { operatorName } from './operator.ts';

test.each([
  [{}, 'ana', 'ana'],
  [{ SUDO_USER: 'ana' }, 'root', 'ana'],
  [{ SSH_CONNECTION: '10.0.0.7 51234 10.0.0.1 22' }, 'ana', 'ana@10.0.0.7'],
  [{ SUDO_USER: 'ana', SSH_CONNECTION: 'fe80::1%eth0 1 fe80::2 22' }, 'root', 'ana@fe80::1%eth0'],
  [{ USER: 'ben', SUDO_USER: '' }, undefined, 'ben'],
  [{}, undefined, 'unknown'],
])('%j and login %s is %s', (env, login, expected) => {
  expect(operatorName(env, login)).toBe(expected);
});
