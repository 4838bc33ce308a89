import { expect, test } from 'vitest';
import { checkSource } from './check-source.ts';
import type { GitAccess } from './git-source.ts';

const url = 'https://git.shop.example/shop.git';
const password: GitAccess = { kind: 'password', user: 'ada', password: 'hunter2' };

test.each<[string, string, GitAccess?]>([
  [url, 'main'],
  [url, 'feature/x', password],
  [url, 'v1.2', { kind: 'token', token: 'abc' }],
  ['ssh://git@git.shop.example:2222/shop.git', 'main', { kind: 'ssh' }],
  ['git@git.shop.example:shop.git', 'main', { kind: 'ssh' }],
  ['file:///srv/shop.git', '0123456'],
])('%s at %s can be read', (at, ref, credentials) => {
  expect(checkSource({ url: at, ref, ...(credentials && { credentials }) }).ok).toBe(true);
});

test.each<[string, string, GitAccess?]>([
  [url, '--upload-pack=touch x'],
  [url, 'a b'],
  [url, ''],
  ['--upload-pack=touch x', 'main'],
  ['ext::sh -c touch% x', 'main'],
  ['https://ada:hunter2@git.shop.example/shop.git', 'main'],
  ['ssh://-oProxyCommand=touch/x', 'main'],
  [url, 'main', { kind: 'ssh' }],
  ['git@git.shop.example:shop.git', 'main', password],
  ['file:///srv/shop.git', 'main', password],
  [url, 'main', { ...password, password: 'two\nlines' }],
  [url, 'main', { ...password, password: '' }],
])('%s at %s is refused before git is asked', (at, ref, credentials) => {
  const checked = checkSource({ url: at, ref, ...(credentials && { credentials }) });
  expect(checked.ok ? undefined : checked.error.code).toBe('bad-source');
  expect(checked.ok ? '' : checked.error.message).not.toContain('hunter2');
});
