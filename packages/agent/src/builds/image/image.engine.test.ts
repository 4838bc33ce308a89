import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { access, chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Host, sharedSandbox } from '@towline/test/sandbox';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type BuildEngine, createBuildEngine } from '../../engine/index.ts';
import type { OutputText } from '../output/index.ts';
import {
  createImage,
  findBuilder,
  type ImageListener,
  type ImageRequest,
  type VertexState,
} from './index.ts';

const MB = 1024 * 1024;
const execute = promisify(execFile);

/** A label that is on everything made from the base: other tests use this engine as well. */
const MARK = `towline.test=${randomBytes(6).toString('hex')}`;

let host: Host;
let base: string;
let engine: BuildEngine;
let source: string;
let tag: string;

beforeAll(async () => {
  const sandbox = await sharedSandbox();
  host = sandbox.hosts.b;
  engine = createBuildEngine({ kind: 'socket', path: host.socket });
  base = `${sandbox.registry}/test/image-base-${randomBytes(6).toString('hex')}:1`;
  const context = await mkdtemp(join(tmpdir(), 'towline-image-base-'));
  await writeFile(join(context, 'Dockerfile'), `FROM ${sandbox.registry}/test/faulty:ok\nLABEL ${MARK}\n`);
  await host.docker('build', '-q', '-t', base, context);
  await rm(context, { recursive: true, force: true });
});
afterAll(() => host.docker('rmi', '-f', base));
beforeEach(async () => {
  source = await mkdtemp(join(tmpdir(), 'towline-image-'));
  tag = `test/image-${randomBytes(6).toString('hex')}:1`;
});
afterEach(async () => {
  await host.docker('rmi', '-f', tag).catch(() => '');
  await rm(source, { recursive: true, force: true });
});

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(source, path)), { recursive: true });
    await writeFile(join(source, path), text);
  }
}

async function create(
  more: Partial<ImageRequest> = {},
  listener: ImageListener = {},
  signal = new AbortController().signal,
) {
  const output: OutputText[] = [];
  const vertices = new Map<string, VertexState>();
  const created = await createImage(
    engine,
    { source, tags: [tag], ...more },
    {
      onOutput: (said) => void output.push(said),
      onVertex: (vertex) => void vertices.set(vertex.id, vertex),
      ...listener,
    },
    signal,
  );
  const whole = output.map(({ text }) => text).join('');
  return { created, texts: linesOf(whole), whole, vertices: [...vertices.values()] };
}

/** Without their ends. */
function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}

/** Copies a program of this machine, with what it is linked to, under a folder. Returns its path here. */
async function programWithLibraries(name: string, folder: string): Promise<string> {
  const { stdout: found } = await execute('sh', ['-c', 'command -v "$1"', 'sh', name]);
  const program = found.trim();
  const { stdout: linked } = await execute('ldd', [program]);
  const libraries = [...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? '');
  for (const path of [program, ...libraries]) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(path, target);
  }
  return program;
}

const messageOf = ({ created }: Awaited<ReturnType<typeof create>>) =>
  created.ok ? '' : created.error.message;

/** Containers, and images without a name: what a build from our base may leave. */
async function leftovers() {
  const ours = ['-q', '--no-trunc', '--filter', `label=${MARK}`];
  const containers = await host.docker('ps', '-a', ...ours);
  const images = await host.docker('images', ...ours, '--filter', 'dangling=true');
  return { containers, images };
}

/** Unlike any that was built before, so that nothing comes from a cache. */
const unique = () => randomBytes(8).toString('hex');

test('the engine of the sandbox has BuildKit', async () => {
  expect(await findBuilder(engine, new AbortController().signal)).toEqual({ ok: true, value: 'buildkit' });
});

describe.each(['buildkit', 'classic'] as const)('%s', (builder) => {
  test('args, target, labels, the ignore file and the sub-folder count', async () => {
    await write({
      'app/Dockerfile': [
        `FROM ${base} AS one`,
        'ARG WHO=nobody',
        'COPY . /app',
        `RUN echo "hello $WHO"; cd /app; find . | sort; echo ${unique()}`,
        'FROM one AS two',
        'RUN false',
      ].join('\n'),
      'app/.dockerignore': 'skipped\n**/*.tmp\n!keep.tmp\nc++\n*a*a*a*a*a*a*a*a*a*b\n',
      'app/c++': '',
      // With a matcher that goes back this would be the last that is heard of the agent.
      [`app/${'a'.repeat(250)}`]: '',
      'app/keep.tmp': '',
      'app/deep/file': '',
      'app/deep/gone.tmp': '',
      'app/skipped/secret': '',
      outside: '',
    });
    const { created, texts, vertices } = await create({
      builder,
      context: 'app',
      args: { WHO: 'world' },
      target: 'one',
      labels: { 'io.towline.test': 'yes' },
    });
    expect(created).toMatchObject({ ok: true, value: { builder } });
    expect(texts).toContain('hello world');
    const listed = ['./keep.tmp', './deep', './deep/file'];
    expect(texts).toEqual(expect.arrayContaining(listed));
    expect(texts.join('\n')).not.toMatch(/skipped|gone\.tmp|c\+\+|outside|\.dockerfile\./);
    expect(vertices.map(({ name }) => name).join('\n')).toMatch(/COPY \. \/app/);
    expect(vertices.every(({ state, endedAt }) => state !== 'RUNNING' && endedAt !== undefined)).toBe(true);
    const [inspected] = JSON.parse(await host.docker('inspect', tag));
    expect(inspected.Id).toBe(created.ok && created.value.imageId);
    expect(inspected.Config.Labels).toMatchObject({ 'io.towline.test': 'yes' });
  });

  test('what has not changed is cached the second time', async () => {
    await write({ Dockerfile: `FROM ${base}\nCOPY file /file\nRUN echo ${unique()}`, file: 'text' });
    const first = await create({ builder });
    const second = await create({ builder });
    const cachedOf = ({ vertices }: typeof first) =>
      vertices.filter(({ name, state }) => state === 'CACHED' && /COPY|RUN/.test(name)).length;
    expect(first.created.ok && second.created.ok).toBe(true);
    expect([cachedOf(first), cachedOf(second)]).toEqual([0, 2]);
    expect(second.created).toEqual(first.created);
  });

  test('a Dockerfile from the definition is in no image', async () => {
    await write({ file: 'text' });
    const text = `FROM ${base}\nCOPY . /all\nRUN ls -A /all; echo ${unique()}`;
    const { created, texts } = await create({ builder, dockerfile: { text } });
    expect(created.ok).toBe(true);
    expect(texts.filter((line) => /ocker|ignore/.test(line) && !line.startsWith('warning'))).toEqual(
      builder === 'classic' ? ['.dockerignore'] : [],
    );
  });

  test('a line that is no instruction is shown', async () => {
    await write({ Dockerfile: `FROM ${base}\n\n# what\nCOPPY a b\n` });
    const made = await create({ builder });
    expect(made.created).toMatchObject({
      ok: false,
      error: { code: 'dockerfile', line: { number: 4, text: 'COPPY a b' } },
    });
    expect(messageOf(made)).toContain('Dockerfile:4: COPPY a b');
  });

  test('a line of the ignore file that is no pattern is shown', async () => {
    await write({ Dockerfile: `FROM ${base}\n`, '.dockerignore': 'a\n[b\n' });
    const made = await create({ builder });
    expect(made.created).toMatchObject({ ok: false, error: { code: 'ignore-file' } });
    expect(messageOf(made)).toContain('Line 2 of the ignore file (.dockerignore) is no pattern: [b');
  });

  test('an instruction that fails is shown, with its last lines, and leaves nothing', async () => {
    await write({
      Dockerfile: `FROM ${base}\nENV A=1\nRUN echo ${unique()}\nRUN echo "no such thing" >&2 && \\\n  exit 42\n`,
    });
    const before = await leftovers();
    const made = await create({ builder });
    expect(made.created).toMatchObject({
      ok: false,
      error: { code: 'build-step-failed', line: { number: 4 } },
    });
    expect(messageOf(made)).toMatch(/42/);
    expect(messageOf(made)).toContain('Dockerfile:4: RUN echo');
    expect(messageOf(made)).toContain('no such thing');
    expect(made.vertices.filter(({ state }) => state === 'ERROR')).toHaveLength(1);
    expect(await leftovers()).toEqual(before);
  });

  test('a file that is not there is shown', async () => {
    await write({ Dockerfile: `FROM ${base}\nCOPY nosuch /x\n` });
    const made = await create({ builder });
    expect(made.created).toMatchObject({ ok: false, error: { line: { number: 2, text: 'COPY nosuch /x' } } });
    expect(messageOf(made)).toContain('nosuch');
  });

  test('a disk that is full is the reason', async () => {
    // A step has 64 MB there, in memory.
    await write({ Dockerfile: `FROM ${base}\nRUN dd if=/dev/zero of=/dev/shm/full bs=1M count=100\n` });
    const made = await create({ builder });
    expect(made.created).toMatchObject({ ok: false, error: { code: 'disk-full', line: { number: 2 } } });
  });

  test('a base that is not there is the reason', async () => {
    await write({ Dockerfile: `FROM ${base}-none\n` });
    const made = await create({ builder });
    expect(made.created).toMatchObject({ ok: false, error: { code: 'base-image' } });
  });

  test('cancelled in the middle, nothing is left', async () => {
    const sleep = 1_000_000 + randomInt(1_000_000);
    await write({ Dockerfile: `FROM ${base}\nRUN echo ${unique()}\nRUN echo begun; sleep ${sleep}\n` });
    const before = await leftovers();
    const cancel = new AbortController();
    const onOutput = ({ text }: OutputText) => void (text === 'begun\n' && cancel.abort());
    const { created, vertices } = await create({ builder }, { onOutput }, cancel.signal);
    expect(created).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect(vertices.at(-1)).toMatchObject({ state: 'CANCELLED', name: expect.stringContaining('sleep') });
    // The engine's build is over, not our reading of it alone.
    await expect.poll(() => host.run('pgrep', ['-f', `sleep ${sleep}$`]).catch(() => '')).toBe('');
    await expect.poll(leftovers).toEqual(before);
  });

  test('the engine ends the build of an agent that is killed', async () => {
    const sleep = 1_000_000 + randomInt(1_000_000);
    await write({ Dockerfile: `FROM ${base}\nRUN sleep ${sleep}\n` });
    const running = () => host.run('pgrep', ['-f', `sleep ${sleep}$`]).catch(() => '');
    const before = await leftovers();
    const program = `
      import { createBuildEngine } from ${JSON.stringify(join(import.meta.dirname, '../../engine/index.ts'))};
      import { createImage } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
      const [path, source, tag, builder] = process.argv.slice(1);
      const engine = createBuildEngine({ kind: 'socket', path });
      await createImage(engine, { source, tags: [tag], builder }, {}, new AbortController().signal);
    `;
    const args = ['--input-type=module', '-e', program, host.socket, source, tag, builder];
    const agent = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    try {
      await expect.poll(running).not.toBe('');
    } finally {
      agent.kill('SIGKILL');
    }
    await expect.poll(running).toBe('');
    await expect.poll(leftovers).toEqual(before);
  });

  test('a link out of the source is not followed', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'towline-outside-'));
    await writeFile(join(outside, 'Dockerfile'), 'FROM scratch');
    await write({ Dockerfile: `FROM ${base}\nCOPY . /all\nRUN ls -l /all; echo ${unique()}` });
    await symlink(outside, join(source, 'link'));
    expect((await create({ builder, context: 'link' })).created).toMatchObject({
      ok: false,
      error: { code: 'outside-source' },
    });
    expect((await create({ builder, dockerfile: { path: 'link/Dockerfile' } })).created).toMatchObject({
      ok: false,
      error: { code: 'outside-source' },
    });
    const { texts } = await create({ builder });
    expect(texts.join('\n')).toContain(`link -> ${outside}`);
    await rm(outside, { recursive: true });
  });

  test('a file keeps its permissions, and is root’s', async () => {
    await write({
      Dockerfile: `FROM ${base}\nCOPY file /file\nRUN stat -c "%a %u" /file; echo ${unique()}`,
      file: 'x',
    });
    await chmod(join(source, 'file'), 0o640);
    const { created, texts } = await create({ builder });
    expect(created.ok).toBe(true);
    expect(texts).toContain('640 0');
  });

  test('a line of a megabyte, other bytes than UTF-8, and progress bars', async () => {
    // BuildKit lets a step write no more than some hundred kilobytes a second, and leaves the rest out.
    const long = builder === 'classic' ? 1_000_000 : 90_000;
    await write({
      Dockerfile: `FROM ${base}\nRUN head -c ${long} /dev/zero | tr "\\\\0" x; echo; printf "a\\\\377b\\\\n"; printf "1%%\\\\r2%%\\\\r\\\\n"; echo ${unique()}`,
    });
    const { texts } = await create({ builder });
    expect(texts).toContain('x'.repeat(long));
    // The classic builder sends JSON, in which other bytes have been replaced already.
    expect(texts).toContainEqual(expect.stringMatching(/^a\ufffd+b$/));
    expect(texts).toContain('1%\r2%\r');
  });

  test('a million lines stay in little memory', async () => {
    await write({ Dockerfile: `FROM ${base}\nRUN seq 1 1000000; echo ${unique()}` });
    const before = process.memoryUsage().rss;
    let count = 0;
    let most = 0;
    let last = '';
    const onOutput = ({ text }: OutputText) => {
      if (text.includes('[output')) last = text;
      count += linesOf(text).length;
      most = Math.max(most, process.memoryUsage().rss);
    };
    const { created } = await create({ builder }, { onOutput });
    expect(created.ok).toBe(true);
    // BuildKit lets a step write no more than some hundred kilobytes a second, and says so.
    if (builder === 'classic') expect(count).toBeGreaterThan(1_000_000);
    else expect(last).toContain('output clipped');
    expect(most - before).toBeLessThan(200 * MB);
  });
});

describe('secrets', () => {
  const secrets = new Map([['token', Buffer.from('open-sesame')]]);
  const mask = (text: string) => text.replaceAll('open-sesame', '***');

  test('are mounted, and are in no layer, history, log or reason', async () => {
    const text = [
      `FROM ${base}`,
      `RUN --mount=type=secret,id=token test "$(cat /run/secrets/token)" = open-"sesame"; echo ${unique()}`,
      'RUN --mount=type=secret,id=token cat /run/secrets/token; ls /run/secrets',
    ].join('\n');
    const { created, texts } = await create({ dockerfile: { text }, secrets }, { mask });
    expect(created.ok).toBe(true);
    expect(texts.join('\n')).toContain('***');
    expect(texts.join('\n')).not.toContain('open-sesame');
    const archive = join(source, 'image.tar');
    await host.docker('save', '-o', archive, tag);
    await expect(execute('grep', ['-ac', 'open-sesame', archive])).rejects.toMatchObject({ stdout: '0\n' });
    expect(await host.docker('history', '--no-trunc', tag)).not.toContain('open-sesame');

    const failing = `FROM ${base}\nRUN --mount=type=secret,id=token cat /run/secrets/token; exit 1`;
    const failed = await create({ dockerfile: { text: failing }, secrets }, { mask });
    expect(messageOf(failed)).toContain('***');
    expect(JSON.stringify(failed)).not.toContain('open-sesame');
  });

  test('one that is wanted and not there is the reason', async () => {
    const text = `FROM ${base}\nRUN --mount=type=secret,id=other,required=true cat /run/secrets/other`;
    const made = await create({ dockerfile: { text }, secrets });
    expect(made.created).toMatchObject({ ok: false, error: { line: { number: 2 } } });
    expect(messageOf(made)).toContain('other');
  });

  test('are refused before anything is built where the builder can’t mount them', async () => {
    const text = `FROM ${base}\nRUN --mount=type=secret,id=token true`;
    const made = await create({ dockerfile: { text }, secrets, builder: 'classic' });
    expect(made.created).toMatchObject({ ok: false, error: { code: 'needs-buildkit', line: { number: 2 } } });
    expect(made.vertices).toEqual([]);
  });
});

test('an SSH agent is there for the instruction that mounts it, and nowhere else', async () => {
  const sshAuthSock = join(source, 'agent.sock');
  const agent = spawn('ssh-agent', ['-D', '-a', sshAuthSock], { stdio: 'ignore' });
  try {
    await vi.waitFor(() => access(sshAuthSock));
    const client = await programWithLibraries('ssh-add', join(source, 'client'));
    const text = [
      `FROM ${base}`,
      'COPY client /',
      `RUN --mount=type=ssh ${client} -l || true; echo ${unique()}`,
      'RUN echo "without: [$SSH_AUTH_SOCK]"',
    ].join('\n');
    const made = await create({ dockerfile: { text }, sshAuthSock });
    expect(messageOf(made)).toBe('');
    expect(made.texts).toContain('The agent has no identities.');
    expect(made.texts).toContain('without: []');
  } finally {
    agent.kill();
  }
});

describe('an engine behind a proxy that lets little through', () => {
  let proxy: Server;
  let path: string;

  /** In front of the real engine, as people put one before its socket. */
  async function behind(denied: readonly RegExp[]): Promise<BuildEngine> {
    path = join(source, 'p.sock');
    proxy = createServer((request, response) => {
      if (denied.some((pattern) => pattern.test(request.url ?? ''))) {
        response.writeHead(403).end('Forbidden');
        return;
      }
      const { method, url, headers } = request;
      const forward = httpRequest({ socketPath: host.socket, method, path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      forward.on('error', () => response.destroy());
      request.pipe(forward);
    });
    proxy.on('upgrade', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'));
    await new Promise<void>((resolve) => proxy.listen(path, resolve));
    return createBuildEngine({ kind: 'socket', path });
  }
  afterEach(() => proxy.close());

  test('is built on by the classic builder where there is no session', async () => {
    const found = await findBuilder(await behind([]), new AbortController().signal);
    expect(found).toEqual({ ok: true, value: 'classic' });
  });

  test('is refused where it builds nothing', async () => {
    const found = await findBuilder(await behind([/\/build/]), new AbortController().signal);
    expect(found).toMatchObject({ ok: false, error: { code: 'no-builder' } });
    expect(found.ok ? '' : found.error.message).toContain('Forbidden');
  });
});

test('an engine that is not there is an unreachable one', async () => {
  const none = createBuildEngine({ kind: 'socket', path: join(source, 'none.sock') });
  expect(await findBuilder(none, new AbortController().signal)).toMatchObject({
    ok: false,
    error: { code: 'engine-unreachable' },
  });
});
