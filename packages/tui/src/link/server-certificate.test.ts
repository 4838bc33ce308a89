import { expect, test } from 'vitest';
import { type SeenCertificate, whyNotTrusted } from './server-certificate.ts';

const A = `sha256:${'aa'.repeat(32)}`;
const B = `sha256:${'bb'.repeat(32)}`;
const NOW = new Date('2026-06-01T00:00:00Z');

const seen = (change: Partial<SeenCertificate>): SeenCertificate => ({
  host: 'db-1:7443',
  authorized: true,
  reason: '',
  fingerprint: A,
  validFrom: 'Jan  1 00:00:00 2026 GMT',
  validTo: 'Jan  1 00:00:00 2027 GMT',
  names: 'DNS:db-1',
  pin: undefined,
  hasCa: false,
  ...change,
});
const unknown = { authorized: false, reason: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' };
const misnamed = { authorized: false, reason: 'ERR_TLS_CERT_ALTNAME_INVALID', names: 'DNS:web-1' };
const expired = { validTo: 'Jan  1 00:00:00 2026 GMT' };

test.each<[string, Partial<SeenCertificate>]>([
  ['of a CA that is trusted', {}],
  ['of the CA that the map names', { hasCa: true }],
  ['that is pinned, whoever signed it', { ...unknown, pin: A }],
  ['that is pinned, whatever its name', { ...misnamed, pin: A }],
  ['that is pinned, and of the CA', { hasCa: true, pin: A }],
])('a certificate %s is taken', (_, change) => {
  expect(whyNotTrusted(seen(change), NOW)).toBeUndefined();
});

test.each<[string, Partial<SeenCertificate>, string[]]>([
  ['no certificate', { fingerprint: undefined, pin: A }, ['showed no certificate']],
  ['another one than the pinned', { pin: B }, [A, B, 'something else answers']],
  ['another one, of a CA that is trusted', { pin: B, hasCa: true }, [A, B]],
  [
    'one that has expired',
    { ...expired, authorized: false, reason: 'CERT_HAS_EXPIRED' },
    ['expired on Jan', 'Renew'],
  ],
  ['one that has expired although it is pinned', { ...expired, pin: A }, ['expired on Jan']],
  ['one whose time can not be read', { validTo: '', pin: A }, ['expired']],
  [
    'one that is not good yet',
    { validFrom: 'Jul  1 00:00:00 2026 GMT', pin: A },
    ['not good before', 'clocks'],
  ],
  ['one that hangs on an expired one', { authorized: false, reason: 'CERT_HAS_EXPIRED' }, ['hangs on']],
  ['one for another name', misnamed, ['another name: DNS:web-1', 'a certificate for the host in it']],
  ['one of a CA that nobody knows', unknown, ['nobody that is trusted here', 'ca: FILE', `pin: "${A}"`]],
  [
    'one of another CA than the map names',
    { ...unknown, hasCa: true },
    ['not signed by the ca that the map'],
  ],
  ['one that is pinned, but not of the CA', { ...unknown, hasCa: true, pin: A }, ['not signed by the ca']],
  ['one with another fault', { authorized: false, reason: 'CERT_REVOKED' }, ['CERT_REVOKED']],
])('%s is not taken', (_, change, parts) => {
  const why = whyNotTrusted(seen(change), NOW);
  for (const part of parts) expect(why).toContain(part);
});
