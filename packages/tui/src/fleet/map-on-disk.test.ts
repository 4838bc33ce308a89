import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { editBuild } from '@towline/core/map';
import { expect, onTestFinished, test } from 'vitest';
import { type MapOnDisk, mapOnDisk } from './map-on-disk.ts';
import { readMapFile } from './read-map-file.ts';

const TEXT = `# The shop.
agents:
  web-1: { url: "unix:///run/towline.sock" } # at the till
services:
  shop:
    builds:
      storefront:
        source: { git: "https://git.example/shop.git", ref: main } # trunk
        image:
          version: "1.4.0"   # counted up by hand
          name: registry.example/shop/storefront
        agent: web-1
    maps:
      production:
        servers:
          web: { agent: web-1, containers: [{ name: storefront, build: storefront }] }
`;

async function newFile(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'tl-map-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const path = join(dir, 'towline.yaml');
  await writeFile(path, TEXT);
  return path;
}

async function open(path: string): Promise<MapOnDisk> {
  const read = await readMapFile(path);
  if (!read.ok) throw new Error(read.error.message);
  return mapOnDisk(path, read.value);
}

const version = (to: string) => (text: string) =>
  editBuild(
    text,
    { service: 'shop', build: 'storefront' },
    { image: { name: 'registry.example/shop/storefront', version: to } },
  );

test('a build is changed, and all else of the text stays', async () => {
  const path = await newFile();
  const file = await open(path);
  const saved = await file.change(version('1.5.0'));
  expect(saved).toMatchObject({ ok: true });
  expect(await readFile(path, 'utf8')).toBe(TEXT.replace('"1.4.0"   #', '"1.5.0"   #'));
  expect(file.map().services[0]?.builds[0]?.image.version).toBe('1.5.0');
  expect(await file.change(version('1.6.0'))).toMatchObject({ ok: true });
  expect(await readdir(join(path, '..'))).toEqual(['towline.yaml']);
});

test('the mode stays, and so does a link', async () => {
  const path = await newFile();
  await chmod(path, 0o640);
  const linked = join(path, '..', 'linked.yaml');
  await symlink('towline.yaml', linked);
  const file = await open(linked);
  expect(await file.change(version('1.5.0'))).toMatchObject({ ok: true });
  expect((await lstat(linked)).isSymbolicLink()).toBe(true);
  expect((await stat(path)).mode & 0o777).toBe(0o640);
  expect(await readFile(path, 'utf8')).toContain('"1.5.0"');
});

test('what another editor saved meanwhile is not overwritten, and can be read', async () => {
  const path = await newFile();
  const file = await open(path);
  const theirs = TEXT.replace('ref: main', 'ref: autumn');
  await writeFile(path, theirs);
  const refused = await file.change(version('1.5.0'));
  expect(refused).toMatchObject({ ok: false, error: { code: 'map-file-changed' } });
  expect(await readFile(path, 'utf8')).toBe(theirs);
  expect(file.map().services[0]?.builds[0]?.source.ref).toBe('main');

  const no = { code: 'no', message: 'Not this one.' };
  expect(await file.reload(() => ({ ok: false, error: no }))).toEqual({ ok: false, error: no });
  expect(await file.change(version('1.5.0'))).toMatchObject({ error: { code: 'map-file-changed' } });
  expect(await file.reload(() => ({ ok: true, value: undefined }))).toMatchObject({ ok: true });
  expect(await file.change(version('1.5.0'))).toMatchObject({ ok: true });
  expect(await readFile(path, 'utf8')).toBe(theirs.replace('1.4.0', '1.5.0'));
});

test('two changes at once are made one after the other', async () => {
  const path = await newFile();
  const file = await open(path);
  const keep = (text: string) => editBuild(text, { service: 'shop', build: 'storefront' }, { keep: 7 });
  const both = await Promise.all([file.change(version('1.5.0')), file.change(keep)]);
  expect(both).toMatchObject([{ ok: true }, { ok: true }]);
  expect(file.map().services[0]?.builds[0]).toMatchObject({ keep: 7, image: { version: '1.5.0' } });
});

test('a change that is none writes nothing', async () => {
  const path = await newFile();
  const before = await stat(path);
  const file = await open(path);
  expect(await file.change(version('1.4.0'))).toMatchObject({ ok: true });
  expect((await stat(path)).ino).toBe(before.ino);
});

test('a file that went, or is a folder by now, is told', async () => {
  const path = await newFile();
  const file = await open(path);
  await rm(path);
  expect(await file.change(version('1.5.0'))).toMatchObject({
    ok: false,
    error: { code: 'map-file-unwritable', message: expect.stringContaining('not there any more') },
  });
  await mkdir(path);
  expect(await file.change(version('1.5.0'))).toMatchObject({ ok: false });
});

test('a text that is no UTF-8 is not written over', async () => {
  const path = await newFile();
  const bytes = Buffer.concat([Buffer.from(TEXT), Buffer.from([0x23, 0xff, 0x0a])]);
  const file = await open(path);
  await writeFile(path, bytes);
  expect(await file.change(version('1.5.0'))).toMatchObject({ ok: false });
  expect(await readMapFile(path)).toMatchObject({ ok: false, error: { code: 'map-file-bad' } });
  expect((await readFile(path)).equals(bytes)).toBe(true);
});

test('a file that somebody else has written is another until it is read again', async () => {
  const path = await newFile();
  const file = await open(path);
  expect(await file.isCurrent()).toBe(true);
  await writeFile(path, `${TEXT}# Opened at nine.\n`);
  expect(await file.isCurrent()).toBe(false);
  await file.reload(() => ({ ok: true, value: undefined }));
  expect(await file.isCurrent()).toBe(true);
  await file.change(version('1.5.0'));
  expect(await file.isCurrent()).toBe(true);
});

test('what is no map file any more is said with its first problem', async () => {
  const path = await newFile();
  const file = await open(path);
  await writeFile(path, TEXT.replace('agent: web-1\n', 'agent: [\n'));
  const read = await file.reload(() => ({ ok: true, value: undefined }));
  expect(read).toMatchObject({ ok: false, error: { code: 'map-file-bad' } });
  expect(read.ok ? '' : read.error.message).toMatch(/ has \S+ problems?: line \d+: .+; expected .+\.$/);
});
