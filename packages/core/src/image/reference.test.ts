import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  familiarName,
  formatReference,
  isValidTag,
  parseReference,
  type Reference,
  repositoryOf,
  shortDigest,
} from './index.ts';

const HEX = 'a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4';
const DIGEST = `sha256:${HEX}`;

function parsed(text: string): Reference {
  const result = parseReference(text);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

describe('parseReference', () => {
  test.each<[string, Reference, string]>([
    ['nginx', { domain: 'docker.io', path: 'library/nginx' }, 'nginx'],
    ['nginx:1.27', { domain: 'docker.io', path: 'library/nginx', tag: '1.27' }, 'nginx'],
    ['shop/web', { domain: 'docker.io', path: 'shop/web' }, 'shop/web'],
    ['docker.io/nginx', { domain: 'docker.io', path: 'library/nginx' }, 'nginx'],
    ['index.docker.io/nginx:1', { domain: 'docker.io', path: 'library/nginx', tag: '1' }, 'nginx'],
    ['index.docker.io/shop/web', { domain: 'docker.io', path: 'shop/web' }, 'shop/web'],
    ['docker.io/library/nginx', { domain: 'docker.io', path: 'library/nginx' }, 'nginx'],
    ['localhost/web', { domain: 'localhost', path: 'web' }, 'localhost/web'],
    ['localhost:5000/web', { domain: 'localhost:5000', path: 'web' }, 'localhost:5000/web'],
    ['localhost:5000/web:1', { domain: 'localhost:5000', path: 'web', tag: '1' }, 'localhost:5000/web'],
    ['[::1]:5000/web:1', { domain: '[::1]:5000', path: 'web', tag: '1' }, '[::1]:5000/web'],
    ['[2001:db8::1]/a/b', { domain: '[2001:db8::1]', path: 'a/b' }, '[2001:db8::1]/a/b'],
    ['Registry/web', { domain: 'Registry', path: 'web' }, 'Registry/web'],
    ['r.example.com/a/b/c:v1', { domain: 'r.example.com', path: 'a/b/c', tag: 'v1' }, 'r.example.com/a/b/c'],
    [`nginx@${DIGEST}`, { domain: 'docker.io', path: 'library/nginx', digest: DIGEST }, 'nginx'],
    [
      `r.example.com:443/a__b/c--d:1@${DIGEST}`,
      { domain: 'r.example.com:443', path: 'a__b/c--d', tag: '1', digest: DIGEST },
      'r.example.com:443/a__b/c--d',
    ],
    // A colon without a slash after it is a tag's, also after what looks like a host.
    ['example.com:5000', { domain: 'docker.io', path: 'library/example.com', tag: '5000' }, 'example.com'],
    ['docker.io/a.b/c', { domain: 'docker.io', path: 'a.b/c' }, 'docker.io/a.b/c'],
  ])('%s', (text, reference, familiar) => {
    expect(parsed(text)).toEqual(reference);
    expect(familiarName(reference)).toBe(familiar);
    expect(parsed(formatReference(reference))).toEqual(reference);
  });

  test.each([
    ['', 'empty'],
    [HEX, "image's id"],
    [DIGEST, "image's id"],
    ['Nginx', 'Write nginx.'],
    ['shop/Web:1', 'capital letters'],
    ['a b', 'space'],
    ['https://r.example.com/a', 'URL'],
    ['nginx:', 'tag'],
    ['nginx:-1', 'tag'],
    [`nginx:${'1'.repeat(129)}`, 'tag'],
    ['nginx@sha256:abc', 'digest'],
    [`nginx@md5:${HEX}`, 'digest'],
    [`nginx@${DIGEST.toUpperCase()}`, 'digest'],
    [`nginx@${DIGEST}@${DIGEST}`, 'digest'],
    ['/nginx', 'no image name'],
    ['a//b', 'no image name'],
    ['a/', 'no image name'],
    ['a___b', 'no image name'],
    ['a..b', 'no image name'],
    ['-a', 'no image name'],
    ['bäcker', 'no image name'],
    ['-x.com/a', 'no host'],
    ['[::1/a', 'no host'],
    [`r.example.com/${'a'.repeat(256)}`, 'too long'],
    ['a'.repeat(3_000), 'too long'],
  ])('refuses %j', (text, part) => {
    const result = parseReference(text);
    expect(result).toMatchObject({ ok: false, error: { code: 'bad-reference' } });
    if (!result.ok) {
      expect(result.error.message).toContain(part);
      expect(result.error.message.length).toBeLessThan(300);
    }
  });

  const path = fc
    .array(fc.stringMatching(/^[a-z0-9]{1,5}(([.]|_|__|-{1,2})[a-z0-9]{1,3}){0,2}$/), {
      minLength: 1,
      maxLength: 3,
    })
    .map((parts) => parts.join('/'));
  const domain = fc.constantFrom(
    'docker.io',
    'localhost',
    'localhost:5000',
    'r.example.com',
    '[::1]:80',
    'HOST',
  );
  const reference = fc
    .record({ domain, path, tag: fc.option(fc.stringMatching(/^\w[\w.-]{0,20}$/), { nil: undefined }) })
    .map(({ tag, ...rest }) => parsed(formatReference({ ...rest, ...(tag !== undefined && { tag }) })));

  test('what is formatted parses to the same, unabbreviated and as people write it', () => {
    fc.assert(
      fc.property(reference, (ref) => {
        expect(parsed(formatReference(ref))).toEqual(ref);
        expect(repositoryOf(parsed(familiarName(ref)))).toBe(repositoryOf(ref));
      }),
    );
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(typeof parseReference(text).ok).toBe('boolean');
      }),
    );
  });
});

test.each([
  ['1', true],
  ['_a', true],
  ['1.4.0.B000027', true],
  ['a'.repeat(128), true],
  ['a'.repeat(129), false],
  ['', false],
  ['.a', false],
  ['-a', false],
  ['a+b', false],
  ['a b', false],
  ['a/b', false],
  ['1\n', false],
])('isValidTag(%j) is %j', (tag, valid) => {
  expect(isValidTag(tag)).toBe(valid);
});

test('shortDigest is what people compare by eye', () => {
  expect(shortDigest(DIGEST)).toBe('a3ed95caeb02');
  expect(shortDigest(HEX)).toBe('a3ed95caeb02');
});
