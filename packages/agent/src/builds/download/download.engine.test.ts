import { type StdioOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGitServers, type GitRepository, type GitServers } from '@towline/test/sandbox';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStepLog, type StepLog } from '../log/index.ts';
import {
  commitsBetween,
  type DownloadFailure,
  download,
  endLeftovers,
  type GitSource,
  resolveCommit,
} from './index.ts';

const PASSWORD = 'correct-horse-battery';
const users = { ada: PASSWORD };
const access = { kind: 'password', user: 'ada', password: PASSWORD } as const;

let root: string;
let servers: GitServers;
let shop: GitRepository;
let folder: string;
let log: StepLog;
let cancel: AbortController;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tl-download-'));
  servers = await createGitServers();
  shop = await servers.repository('shop');
  folder = join(root, 'sources', 'shop');
  log = await openStepLog({ path: join(root, 'logs', 'download.log') });
  cancel = new AbortController();
});

afterEach(async () => {
  await endLeftovers(folder);
  await log.end();
  await servers.close();
  await rm(root, { recursive: true, force: true });
});

const options = (source: GitSource) => ({ source, folder, log, signal: cancel.signal, patienceMs: 20_000 });

/** Both steps, as a build takes them. */
async function bring(source: GitSource, more: { patienceMs?: number } = {}) {
  const resolved = await resolveCommit({ ...options(source), ...more });
  if (!resolved.ok) return resolved;
  return await download({ ...options(source), ...more, commit: resolved.value.commit });
}

async function brought(source: GitSource): Promise<string> {
  const got = await bring(source);
  if (!got.ok) throw new Error(`${got.error.code}: ${got.error.message}`);
  return got.value.commit.commit;
}

async function refused(source: GitSource, more: { patienceMs?: number } = {}): Promise<DownloadFailure> {
  const got = await bring(source, more);
  if (got.ok) throw new Error('it was had');
  expect(got.error.message).toMatch(/\.$|\)$/);
  expect(got.error.message).not.toContain(PASSWORD);
  return got.error;
}

const files = () => join(folder, 'files');
const fileText = (name: string) => readFile(join(files(), name), 'utf8');
const said = async () => {
  const { entries } = await log.tail(1_000);
  return entries.map(({ text }) => text).join('\n');
};

/** Every file under the folder that has the text in it. */
async function filesWith(text: string, under: string): Promise<string[]> {
  const found = await execa('grep', ['-r', '-l', '-a', '-F', '-e', text, under], { reject: false });
  return found.stdout.split('\n').filter((line) => line !== '');
}

async function commandLinesWith(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (words.includes(text)) found.push(words);
  }
  return found;
}

test('a branch, a tag and a commit are resolved first, and their files are exactly there', async () => {
  const first = await shop.commit({
    message: 'Open the shop',
    files: {
      'a.txt': 'one\n',
      'bin/run': { executable: '#!/bin/sh\n' },
      link: { link: 'a.txt' },
      '.gitignore': 'out\n',
    },
  });
  await shop.tag('v1');
  const second = await shop.commit({
    files: { 'a.txt': 'two\n', 'bin/run': { removed: true }, 'b/c.txt': 'c\n' },
  });
  await shop.tag('v2', { plain: true });
  const side = await shop.commit({ branch: 'feature/side', files: { 'side.txt': 's\n' } });
  const at = (ref: string) => ({ url: shop.url, ref });

  const resolved = await resolveCommit(options(at('v1')));
  expect(resolved).toEqual({ ok: true, value: { commit: first, kind: 'tag' } });
  expect(await readdir(folder)).toEqual([]);
  const got = await download({ ...options(at('v1')), commit: first });
  expect(got.ok && got.value.commit).toEqual({
    commit: first,
    subject: 'Open the shop',
    author: 'Ada Example',
    date: expect.stringMatching(/^2026-01-01T/),
  });
  expect((await readdir(files())).sort()).toEqual(['.gitignore', 'a.txt', 'bin', 'link']);
  expect((await lstat(join(files(), 'bin/run'))).mode & 0o111).toBe(0o111);
  expect(await readlink(join(files(), 'link'))).toBe('a.txt');

  // What a build leaves, ignored by git or not, is gone with the next download.
  await mkdir(join(files(), 'out/deep'), { recursive: true });
  await writeFile(join(files(), 'out/deep/x'), 'x');
  await writeFile(join(files(), 'a.txt'), 'changed');
  await chmod(join(files(), 'a.txt'), 0o755);
  expect(await brought(at('main'))).toBe(second);
  expect((await readdir(files(), { recursive: true })).sort()).toEqual([
    '.gitignore',
    'a.txt',
    'b',
    'b/c.txt',
    'link',
  ]);
  expect(await fileText('a.txt')).toBe('two\n');

  expect(await brought(at('feature/side'))).toBe(side);
  expect(await brought(at('refs/tags/v2'))).toBe(second);
  expect(await brought(at(first))).toBe(first);
  expect(await brought(at(second.slice(0, 9)))).toBe(second);
  expect(await said()).toContain(`At ${second.slice(0, 12)}`);
  expect(await brought(at(second))).toBe(second);
  expect(await said()).toContain('is here already');
  expect((await readdir(join(root, 'sources'))).sort()).toEqual(['shop']);
});

test('over http, with a user and password or a token, and without', async () => {
  const commit = await shop.commit({ files: { 'a.txt': 'one\n' } });
  const open = await servers.http();
  expect(await brought({ url: open.url('shop'), ref: 'main' })).toBe(commit);
  const closed = await servers.http({ users: { ...users, 'x-token-auth': 'a-token-of-some-length' } });
  await rm(folder, { recursive: true });
  expect(await brought({ url: closed.url('shop'), ref: 'main', credentials: access })).toBe(commit);
  await rm(folder, { recursive: true });
  const token = { kind: 'token', token: 'a-token-of-some-length' } as const;
  expect(await brought({ url: closed.url('shop'), ref: 'main', credentials: token })).toBe(commit);
  expect(await said()).toMatch(/Counting objects: 100% \(3\/3\), done/);
});

test('an odd user and password are given as they are', async () => {
  const commit = await shop.commit();
  const odd = { user: `ad'a "b`, password: `p a$(id)'"\\%41*` };
  const server = await servers.http({ users: { [odd.user]: odd.password } });
  const credentials = { kind: 'password', ...odd } as const;
  expect(await brought({ url: server.url('shop'), ref: 'main', credentials })).toBe(commit);
});

test('what a server refuses is told by its code', async () => {
  await shop.commit();
  const server = await servers.http({ users: { ...users, eve: 'another-password' }, forbidden: ['eve'] });
  const url = server.url('shop');
  const eve = { kind: 'password', user: 'eve', password: 'another-password' } as const;
  expect((await refused({ url, ref: 'main' })).code).toBe('password-wanted');
  const wrong = { ...access, password: 'wrong-password' };
  expect((await refused({ url, ref: 'main', credentials: wrong })).code).toBe('password-wrong');
  expect((await refused({ url, ref: 'main', credentials: eve })).code).toBe('no-access');
  expect((await refused({ url: server.url('none'), ref: 'main', credentials: access })).code).toBe(
    'no-such-repository',
  );
  expect((await refused({ url, ref: 'gone', credentials: access })).code).toBe('no-such-ref');
  const never = 'f'.repeat(40);
  expect((await refused({ url, ref: never, credentials: access })).code).toBe('no-such-ref');
  expect((await refused({ url, ref: 'fffffff', credentials: access })).code).toBe('no-such-ref');
  expect((await refused({ url: `file://${root}/none.git`, ref: 'main' })).code).toBe('no-such-repository');
});

test('a server that is gone: its name is unknown, it refuses, it does not answer', async () => {
  expect((await refused({ url: `https://${'x'.repeat(64)}.example/shop.git`, ref: 'main' })).code).toBe(
    'server-unknown',
  );
  const silent = createServer((socket) => socket.resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const url = `http://127.0.0.1:${port}/shop.git`;
  expect((await refused({ url, ref: 'main' }, { patienceMs: 300 })).code).toBe('server-timeout');
  await new Promise((resolve) => silent.close(resolve));
  // Nobody is given that port.
  expect((await refused({ url: 'http://127.0.0.1:1/shop.git', ref: 'main' })).code).toBe('server-refused');
  const ssh = {
    url: 'ssh://git@127.0.0.1:1/shop.git',
    ref: 'main',
    credentials: { kind: 'ssh' } as const,
  };
  expect((await refused(ssh)).code).toBe('server-refused');
});

test('over ssh by the agent’s key, to a host that is known', async () => {
  const commit = await shop.commit({ files: { 'a.txt': 'one\n' } });
  const server = await servers.ssh();
  const { keyFile, knownHostsFile, strangerKeyFile } = server;
  const url = server.url('shop');
  const by = (key: string, known = knownHostsFile) => ({
    url,
    ref: 'main',
    credentials: { kind: 'ssh', keyFile: key, knownHostsFile: known } as const,
  });
  expect(await brought(by(keyFile))).toBe(commit);
  expect((await refused(by(strangerKeyFile))).code).toBe('no-access');
  expect((await refused({ ...by(keyFile), url: server.url('none') })).code).toBe('no-such-repository');

  const unknown = await refused(by(keyFile, join(root, 'known_hosts')));
  expect(unknown.code).toBe('host-key-unknown');
  expect(unknown.fingerprint).toBe(await server.fingerprint());
  expect(unknown.message).toContain(
    `ssh-keyscan -p ${server.port} 127.0.0.1 >> ${join(root, 'known_hosts')}`,
  );
  expect(existsSync(join(root, 'known_hosts'))).toBe(false);

  await server.changeHostKey();
  const changed = await refused(by(keyFile));
  expect(changed.code).toBe('host-key-changed');
  expect(changed.fingerprint).toBe(await server.fingerprint());
  expect(changed.message).toContain(`ssh-keygen -R '[127.0.0.1]:${server.port}' -f '${knownHostsFile}'`);
});

test('nothing secret is in the clone, the log, or a command line, while it is fetched and afterwards', async () => {
  await shop.commit({ files: { 'big.bin': Buffer.alloc(3_000_000, 'a line of a file\n') } });
  const server = await servers.http({ users });
  const source = { url: server.url('shop'), ref: 'main', credentials: access };
  const resolved = await resolveCommit(options(source));
  if (!resolved.ok) throw new Error(resolved.error.message);
  server.hold(0);
  const got = download({ ...options(source), commit: resolved.value.commit });
  await server.held();
  expect(await commandLinesWith('fetch')).not.toEqual([]);
  expect(await commandLinesWith(PASSWORD)).toEqual([]);
  expect(await filesWith(PASSWORD, root)).toEqual([]);
  const folders = (await readdir(join(root, 'sources'))).filter((name) => name.endsWith('.git-files'));
  expect((await lstat(join(root, 'sources', folders[0] ?? ''))).mode & 0o777).toBe(0o700);
  server.release();
  expect((await got).ok).toBe(true);
  await log.end();
  expect(await filesWith(PASSWORD, root)).toEqual([]);
  expect(await filesWith(Buffer.from(`ada:${PASSWORD}`).toString('base64'), root)).toEqual([]);
  expect(await readdir(join(root, 'sources'))).toEqual(['shop']);
});

test('a download that is cancelled ends git and its children, and the next one goes on', async () => {
  await shop.commit({ files: { 'a.txt': 'one\n' } });
  const server = await servers.http();
  const source = { url: server.url('shop'), ref: 'main' };
  await brought(source);
  const commit = await shop.commit({ files: { 'a.txt': 'two\n' } });
  const resolved = await resolveCommit(options(source));
  expect(resolved.ok && resolved.value.commit).toBe(commit);
  server.hold(0);
  const got = download({ ...options(source), commit });
  await server.held();
  cancel.abort();
  const ended = await got;
  expect(ended.ok ? undefined : ended.error.code).toBe('cancelled');
  expect(await endLeftovers(folder)).toBe(0);
  server.release();
  cancel = new AbortController();
  expect(await brought(source)).toBe(commit);
  expect(await fileText('a.txt')).toBe('two\n');
  expect(await said()).not.toContain('broken');
});

test('an agent that is killed in the middle of a fetch: what it left is ended, and the clone goes on', async () => {
  await shop.commit({ files: { 'a.txt': 'one\n' } });
  const server = await servers.http({ users });
  const source = { url: server.url('shop'), ref: 'main', credentials: access };
  await brought(source);
  const commit = await shop.commit({
    files: {
      'a.txt': 'two\n',
      'big.bin': Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 251)),
    },
  });
  // Before git says anything: it ends by itself where it speaks to one that is killed.
  server.hold(0);
  const door = fileURLToPath(new URL('./index.ts', import.meta.url));
  const script = `
    import { download } from ${JSON.stringify(door)};
    await download({ source: ${JSON.stringify(source)}, folder: ${JSON.stringify(folder)}, commit: '${commit}', signal: new AbortController().signal });
  `;
  const stdio: StdioOptions = ['ignore', 'ignore', 'inherit'];
  const agent = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio });
  await server.held();
  agent.kill('SIGKILL');
  await new Promise((resolve) => agent.once('exit', resolve));
  // What a git that was killed further on leaves: its locks, and half a pack.
  await writeFile(join(folder, 'git', 'objects', 'pack', 'tmp_pack_half'), 'PACK');
  await writeFile(join(folder, 'git', 'shallow.lock'), '');
  await writeFile(join(folder, 'git', 'index.lock'), '');
  expect(await filesWith(PASSWORD, root)).toEqual([]);
  expect(await endLeftovers(folder)).toBeGreaterThan(0);
  expect(await commandLinesWith(source.url)).toEqual([]);
  server.release();
  expect(await brought(source)).toBe(commit);
  expect(await fileText('a.txt')).toBe('two\n');
  expect(await said()).not.toContain('broken');
});

test('a git that is killed is no reason to clone anew', async () => {
  await shop.commit({ files: { 'a.txt': 'one\n' } });
  const server = await servers.http();
  const source = { url: server.url('shop'), ref: 'main' };
  await brought(source);
  const commit = await shop.commit({ files: { 'a.txt': 'two\n' } });
  server.hold(0);
  const got = download({ ...options(source), commit });
  await server.held();
  expect(await endLeftovers(folder)).toBeGreaterThan(0);
  expect((await got).ok).toBe(false);
  server.release();
  expect(await brought(source)).toBe(commit);
  expect(await said()).not.toContain('broken');
});

test.each<[string, (gitDir: string) => Promise<void>]>([
  ['an object is empty', (gitDir) => eachObject(gitDir, (path) => truncate(path, 0))],
  ['objects are gone', (gitDir) => eachObject(gitDir, (path) => rm(path))],
  ['HEAD is gone', (gitDir) => rm(join(gitDir, 'HEAD'))],
  ['its configuration is damaged', (gitDir) => writeFile(join(gitDir, 'config'), '[core\n')],
  ['its index is damaged', (gitDir) => writeFile(join(gitDir, 'index'), 'DIRC nonsense')],
  ['a ref is damaged', (gitDir) => writeFile(join(gitDir, 'refs/towline/source'), 'x\n')],
])('a kept clone that is broken is made anew: %s', async (_, damage) => {
  await shop.commit({ files: { 'a.txt': 'one\n', 'b.txt': 'b\n' } });
  await brought({ url: shop.url, ref: 'main' });
  const commit = await shop.commit({ files: { 'a.txt': 'two\n' } });
  await damage(join(folder, 'git'));
  expect(await brought({ url: shop.url, ref: 'main' })).toBe(commit);
  expect(await fileText('b.txt')).toBe('b\n');
  expect(await fileText('a.txt')).toBe('two\n');
  const anew = (await said()).includes('is made anew');
  // Where git can do without what was damaged, it does.
  if (!anew) await execa('git', [`--git-dir=${join(folder, 'git')}`, 'fsck', '--connectivity-only']);
});

async function eachObject(gitDir: string, damage: (path: string) => Promise<void>): Promise<void> {
  const names = await readdir(join(gitDir, 'objects'), { recursive: true, withFileTypes: true });
  for (const entry of names.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    await chmod(path, 0o600);
    await damage(path);
  }
}

test('what a build writes among the files is no command for the agent’s git', async () => {
  const trap = join(root, 'trapped');
  await shop.commit({ files: { 'a.txt': 'one\n', 'sub/b.txt': 'b\n' } });
  await brought({ url: shop.url, ref: 'main' });
  const config = `[core]\n\tfsmonitor = touch ${trap}\n\thooksPath = ${root}\n\tsshCommand = touch ${trap}\n[filter "x"]\n\tsmudge = touch ${trap}\n\tclean = touch ${trap}\n`;
  for (const place of ['.git', 'sub/.git', 'new/.git']) {
    await execa('git', ['init', '--quiet', join(files(), place, '..')]);
    await writeFile(join(files(), place, 'config'), config);
  }
  await writeFile(join(files(), '.gitattributes'), '* filter=x\n');
  const commit = await shop.commit({ files: { 'a.txt': 'two\n', 'new/c.txt': 'c\n' } });
  expect(await brought({ url: shop.url, ref: 'main' })).toBe(commit);
  expect((await readdir(files(), { recursive: true })).sort()).toEqual([
    'a.txt',
    'new',
    'new/c.txt',
    'sub',
    'sub/b.txt',
  ]);
  expect(existsSync(trap)).toBe(false);
});

test('folders that are deeper than a path can be, and names that are no UTF-8, stop no download', async () => {
  // As a person whose file system has other names commits them.
  const script = `blob=$(echo text | git hash-object -w --stdin)
    file=$(printf '100644 blob %s\\tf\\351\\n' "$blob" | git mktree)
    tree=$(printf '040000 tree %s\\td\\351\\n' "$file" | git mktree)
    git update-ref refs/heads/main "$(git -c user.name=a -c user.email=a commit-tree -m x "$tree")"`;
  await execa('sh', ['-ec', script], { cwd: shop.path });
  await brought({ url: shop.url, ref: 'main' });
  const name = 'd'.repeat(200);
  const deep = `i=0; while [ $i -lt 30 ]; do mkdir ${name}; cd -P ./${name}; i=$((i + 1)); done`;
  await execa('bash', ['-ec', deep], { cwd: files() });
  await brought({ url: shop.url, ref: 'main' });
  expect(
    (await execa('find', [files(), '-type', 'f', '-o', '-name', 'ddd*'])).stdout.split('\n'),
  ).toHaveLength(1);
});

test('submodules come along; the credentials go to the source’s own host only', async () => {
  const part = await servers.repository('part');
  await part.commit({ files: { 'part.txt': 'part\n' } });
  const foreign = await servers.repository('foreign');
  await foreign.commit({ files: { 'foreign.txt': 'f\n' } });
  const own = await servers.http({ users });
  const other = await servers.http({ users });
  await shop.commit({ files: { 'a.txt': 'one\n' }, submodules: { part: part.path } });
  const modules = (url: string) => `[submodule "part"]\n\tpath = part\n\turl = ${url}\n`;
  const first = await shop.commit({ files: { '.gitmodules': modules('../part.git') } });
  const source = { url: own.url('shop'), ref: 'main', submodules: true, credentials: access };
  expect(await brought(source)).toBe(first);
  expect(await fileText('part/part.txt')).toBe('part\n');
  expect(await brought({ ...source, ref: first })).toBe(first);
  expect(await fileText('part/part.txt')).toBe('part\n');

  await shop.commit({ files: { '.gitmodules': modules(other.url('part')) } });
  await rm(folder, { recursive: true });
  expect((await refused(source)).code).toBe('password-wrong');
  expect(other.requests.length).toBeGreaterThan(0);
  expect(other.requests.filter(({ user }) => user !== undefined)).toEqual([]);

  await shop.commit({ files: { '.gitmodules': modules(part.url) } });
  await rm(folder, { recursive: true });
  expect((await refused(source)).code).toBe('bad-source');
  expect(await brought({ ...source, submodules: false })).toMatch(/^[0-9a-f]{40}$/);
});

test('an old server gives out no commit by its digits: its branches are fetched', async () => {
  const first = await shop.commit({ files: { 'a.txt': 'one\n' } });
  const second = await shop.commit({ files: { 'a.txt': 'two\n' } });
  const server = await servers.http({ old: true });
  const at = (ref: string) => ({ url: server.url('shop'), ref });
  expect(await brought(at('main'))).toBe(second);
  expect(await brought(at(first))).toBe(first);
  expect(await fileText('a.txt')).toBe('one\n');
  expect((await refused(at('f'.repeat(40)))).code).toBe('no-such-ref');
});

test.each([
  ['fetched', randomBytes(2_000_000)],
  ['written', Buffer.alloc(2_000_000, 'the same again')],
])(
  'a disk that is full when the files are %s is told as such, and the clone goes on when there is room',
  async (_, big) => {
    const commit = await shop.commit({ files: { 'big.bin': big } });
    // Unmounted with the servers' folder where this test is killed.
    const small = join(servers.dir, 'small');
    await mkdir(small);
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
    try {
      folder = join(small, 'shop');
      const full = await refused({ url: shop.url, ref: 'main' });
      expect(full).toMatchObject({ code: 'disk-full' });
      await execa('mount', ['-o', 'remount,size=64m', small]);
      expect(await brought({ url: shop.url, ref: 'main' })).toBe(commit);
    } finally {
      await execa('umount', ['--lazy', small]);
    }
  },
);

const lfsIsThere = (await execa('git-lfs', ['version'], { reject: false })).exitCode === 0;

test.skipIf(lfsIsThere)('files in LFS are not taken for what they stand for', async () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
  await shop.commit({ files: { 'a.bin': pointer } });
  await brought({ url: shop.url, ref: 'main' });
  await shop.commit({ files: { '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n' } });
  const failure = await refused({ url: shop.url, ref: 'main' });
  expect(failure.code).toBe('lfs-missing');
  expect(failure.message).toContain('a.bin');
});

test('the commits from one to another, both ways, without their files', async () => {
  const commits: string[] = [];
  for (let at = 0; at < 6; at++) {
    commits.push(
      await shop.commit({
        message: `Change ${at}\n\nMore of it.`,
        files: { 'a.txt': `${at}\n`, 'big.bin': 'x'.repeat(5_000) + at },
      }),
    );
  }
  const server = await servers.http({ config: { 'uploadpack.allowFilter': 'true' } });
  const source = { url: server.url('shop'), ref: 'main' };
  const between = async (from = '', to = '', limit?: number) => {
    const got = await commitsBetween({ ...options(source), from, to, ...(limit !== undefined && { limit }) });
    if (!got.ok) throw new Error(got.error.message);
    const subjects = (list: readonly { subject: string }[]) => list.map(({ subject }) => subject);
    return {
      added: subjects(got.value.added),
      removed: subjects(got.value.removed),
      complete: got.value.complete,
    };
  };
  const added = ['Change 4', 'Change 3', 'Change 2'];
  expect(await between(commits[1], commits[4])).toEqual({ added, removed: [], complete: true });
  expect(await between(commits[4], commits[1])).toEqual({ added: [], removed: added, complete: true });
  expect(await between(commits[0], commits[5], 2)).toEqual({
    added: ['Change 5', 'Change 4'],
    removed: [],
    complete: false,
  });
  const asked = server.requests.length;
  expect(await between(commits[2], commits[3])).toEqual({ added: ['Change 3'], removed: [], complete: true });
  expect(server.requests.length).toBe(asked);
  const gone = await between('f'.repeat(40), commits[5]);
  expect(gone.complete).toBe(false);
  const blobs = await execa('git', [
    `--git-dir=${join(folder, 'history')}`,
    'cat-file',
    '--batch-all-objects',
    '--batch-check',
  ]);
  expect(blobs.stdout).not.toContain(' blob ');
});
