import { expect, test } from 'vitest';
import { nextPage, parseChallenge } from './challenge.ts';

test.each([
  [
    'Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="repository:a/b:pull"',
    {
      scheme: 'bearer',
      realm: 'https://auth.example.com/token',
      service: 'registry.example.com',
      scope: 'repository:a/b:pull',
    },
  ],
  [
    'bearer  realm = "https://auth.example.com/token" , scope="repository:a:pull,push"',
    {
      scheme: 'bearer',
      realm: 'https://auth.example.com/token',
      service: undefined,
      scope: 'repository:a:pull,push',
    },
  ],
  ['Basic realm="a registry"', { scheme: 'basic' }],
  ['Bearer service="no realm"', undefined],
  ['Negotiate', undefined],
  ['', undefined],
])('%s', (header, challenge) => {
  expect(parseChallenge(header)).toEqual(challenge);
});

const page = new URL('https://r.example.com/v2/a/tags/list?n=2');

test.each([
  ['</v2/a/tags/list?last=b&n=2>; rel="next"', 'https://r.example.com/v2/a/tags/list?last=b&n=2'],
  ['<list?last=b>;rel=next', 'https://r.example.com/v2/a/tags/list?last=b'],
  ['</first>; rel="first", </v2/x>; rel="next"', 'https://r.example.com/v2/x'],
  ['</v2/x>; rel="prev"', undefined],
  // Credentials go along.
  ['<https://elsewhere.example.com/v2/a/tags/list>; rel="next"', undefined],
  ['<http://r.example.com/v2/a/tags/list>; rel="next"', undefined],
  [null, undefined],
])('the next page: %s', (header, next) => {
  expect(nextPage(header, page)?.href).toBe(next);
});
