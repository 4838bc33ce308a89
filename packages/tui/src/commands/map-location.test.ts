import { expect, test } from 'vitest';
import { findMapFile } from './map-location.ts';

const here = '/w/towline.yaml';
const config = '/home/op/.config/towline/towline.yaml';

test.each<[string, { file?: string; env?: Record<string, string>; there: string[] }, string | undefined]>([
  ['--file comes first', { file: 'a.yaml', env: { TOWLINE_FILE: '/b.yaml' }, there: [here] }, '/w/a.yaml'],
  ['then $TOWLINE_FILE', { env: { TOWLINE_FILE: 'b.yaml' }, there: [here] }, '/w/b.yaml'],
  ['which counts for nothing where it is empty', { env: { TOWLINE_FILE: '' }, there: [here, config] }, here],
  ['then the one in this folder', { there: [here, config] }, here],
  ['then the one of this user', { there: [config] }, config],
  [
    'where XDG says',
    { env: { XDG_CONFIG_HOME: '/c' }, there: ['/c/towline/towline.yaml'] },
    '/c/towline/towline.yaml',
  ],
  ['and else there is none', { there: [] }, undefined],
])('%s', (_name, { file, env = {}, there }, expected) => {
  const exists = (path: string) => there.includes(path);
  expect(findMapFile({ file, env, home: '/home/op', cwd: '/w', exists })).toBe(expected);
});
