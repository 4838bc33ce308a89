import { describe, expect, test } from 'vitest';
import { type ChoiceOptions, chosen, parseChoice, parseSetting, parseTarget } from './words.ts';

describe('TARGET', () => {
  test.each([
    ['web', { server: 'web' }],
    ['web/gateway', { server: 'web', container: 'gateway' }],
  ])('%s', (word, target) => {
    expect(parseTarget(word)).toEqual({ ok: true, value: target });
  });

  test.each(['', '/', 'web/', '/gateway', 'a/b/c'])('"%s" is none', (word) => {
    expect(parseTarget(word)).toMatchObject({ ok: false, error: { code: 'usage' } });
  });
});

describe('CHOICE', () => {
  test.each([
    ['tag:1.2.0', { mode: 'image-tag', tag: '1.2.0' }],
    ['tag:', { mode: 'image-tag', tag: '' }],
    ['tag:a:b', { mode: 'image-tag', tag: 'a:b' }],
    ['designated:1.4.0.B000027', { mode: 'designated', tag: '1.4.0.B000027' }],
    ['latest', { mode: 'latest' }],
    ['build', { mode: 'build-deploy', confirmed: true }],
  ])('%s', (word, choice) => {
    expect(parseChoice(word)).toEqual({ ok: true, value: choice });
  });

  test.each(['', 'tag', 'designated', 'latest:1', 'build:now', '1.2.0', 'TAG:1'])('"%s" is none', (word) => {
    expect(parseChoice(word)).toMatchObject({ ok: false, error: { code: 'usage' } });
  });
});

describe('--set', () => {
  test('a container and its choice', () => {
    expect(parseSetting('web/gateway=tag:1=2')).toEqual({
      ok: true,
      value: { server: 'web', container: 'gateway', choice: { mode: 'image-tag', tag: '1=2' } },
    });
  });

  test.each(['', 'web/gateway', 'web=tag:1', '=tag:1', 'web/gateway='])('"%s" sets nothing', (word) => {
    expect(parseSetting(word)).toMatchObject({ ok: false, error: { code: 'usage' } });
  });
});

describe('the choice of execute', () => {
  test.each<[ChoiceOptions, object]>([
    [{ tag: '' }, { mode: 'image-tag', tag: '' }],
    [{ designated: '1' }, { mode: 'designated', tag: '1' }],
    [{ latest: true }, { mode: 'latest' }],
    // Not an error of the words: the rules refuse it as they do in the dashboard.
    [{ build: true }, { mode: 'build-deploy', confirmed: false }],
    [
      { build: true, confirm: true },
      { mode: 'build-deploy', confirmed: true },
    ],
  ])('%j', (options, choice) => {
    expect(chosen(options)).toEqual({ ok: true, value: choice });
  });

  test.each<[ChoiceOptions]>([
    [{}],
    [{ confirm: true }],
    [{ tag: '1', latest: true }],
    [{ tag: '1', confirm: true }],
  ])('%j is none', (options) => {
    expect(chosen(options)).toMatchObject({ ok: false, error: { code: 'usage' } });
  });
});
