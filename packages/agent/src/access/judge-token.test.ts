import { expect, test } from 'vitest';
import { judgeToken } from './judge-token.ts';
import { hashToken, newToken, type StoredToken } from './token.ts';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const stored = (name: string, token: string, more: Partial<StoredToken> = {}): StoredToken => ({
  name,
  role: 'operator',
  hash: hashToken(token),
  createdAt: '2026-01-01T00:00:00.000Z',
  former: [],
  ...more,
});

const tokens = [
  stored('anna', 'good', { former: [hashToken('annas-old-one')] }),
  stored('board', 'looks', { role: 'viewer', expiresAt: '2026-06-01T00:00:00.001Z' }),
  stored('ci', 'late', { expiresAt: '2026-06-01T00:00:00.000Z' }),
  stored('gone', 'revoked', { revokedAt: '2026-05-01T00:00:00.000Z', expiresAt: '2026-05-02T00:00:00.000Z' }),
];

test.each([
  ['Bearer good', 'anna'],
  ['bearer  good', 'anna'],
  ['Bearer looks', 'board'],
  ['Bearer late', 'token-expired'],
  ['Bearer revoked', 'token-revoked'],
  ['Bearer annas-old-one', 'token-revoked'],
  ['Bearer goo', 'token-unknown'],
  ['Bearer good ', 'token-missing'],
  [`Bearer ${'x'.repeat(501)}`, 'token-missing'],
  [`Bearer ${hashToken('good')}`, 'token-unknown'],
  ['Basic good', 'token-missing'],
  ['good', 'token-missing'],
  ['', 'token-missing'],
  [undefined, 'token-missing'],
])('%j is judged: %s', (header, expected) => {
  const result = judgeToken(header, tokens, NOW);
  expect(result.ok ? result.value.name : result.error.code).toBe(expected);
  if (!result.ok)
    expect(result.error.message).toContain(
      "token create NAME --role operator --state-dir DIR`, with the agent's own DIR (where root installed it, /opt/towline/current/towline-agent and /var/lib/towline)",
    );
});

test('with no tokens nobody is let in', () => {
  expect(judgeToken(`Bearer ${newToken()}`, [], NOW)).toMatchObject({ error: { code: 'token-unknown' } });
});

test('a new token is long, and fit for a header', () => {
  const made = new Set(Array.from({ length: 100 }, newToken));
  expect(made.size).toBe(100);
  for (const token of made) expect(token).toMatch(/^towline_[\w-]{43}$/);
});
