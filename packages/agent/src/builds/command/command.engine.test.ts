import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Host, sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createBuildEngine, createDockerEngine } from '../../engine/index.ts';
import type { OutputText } from '../output/index.ts';
import {
  BUILD_LABEL,
  type CommandEngines,
  type CommandListener,
  type CommandRequest,
  OWNER_LABEL,
  removeBuilderContainers,
  runCommand,
} from './index.ts';

const MB = 1024 * 1024;

let host: Host;
let image: string;
let engines: CommandEngines;
let folder: string;
let owner: string;

beforeAll(async () => {
  const sandbox = await sharedSandbox();
  host = sandbox.hosts.a;
  image = `${sandbox.registry}/test/faulty:ok`;
  const address = { kind: 'socket', path: host.socket } as const;
  engines = { engine: createDockerEngine(address), build: createBuildEngine(address) };
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'towline-command-'));
  await mkdir(join(folder, 'source', 'sub'), { recursive: true });
  owner = `test-${randomBytes(6).toString('hex')}`;
});
afterEach(async () => {
  // However a command ended, nothing of it is left.
  expect(await ours()).toEqual([]);
  await rm(folder, { recursive: true, force: true });
});

async function ours(): Promise<string[]> {
  const found = await engines.build.containersWith(`${OWNER_LABEL}=${owner}`);
  return found.map(({ id }) => id);
}

async function run(
  command: string,
  more: Partial<CommandRequest> = {},
  listener: CommandListener = {},
  signal = new AbortController().signal,
) {
  const output: OutputText[] = [];
  const request = {
    run: randomBytes(6).toString('hex'),
    owner,
    image,
    command,
    source: join(folder, 'source'),
  };
  const ended = await runCommand(
    engines,
    { ...request, ...more },
    { onOutput: (said) => void output.push(said), ...listener },
    signal,
  );
  const lines = output.flatMap(({ stream, text }) => linesOf(text).map((line) => ({ stream, text: line })));
  return {
    ended,
    lines,
    texts: lines.map(({ text }) => text),
    whole: output.map(({ text }) => text).join(''),
  };
}

/** Without their ends. */
function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}

test('a command has the source, both streams and its exit code', async () => {
  const { ended, lines } = await run('pwd; echo problem >&2; echo built > out', { workdir: 'sub' });
  expect(ended).toEqual({ ok: true, value: undefined });
  expect(lines.map(({ stream, text }) => [stream, text]).toSorted()).toEqual([
    ['stderr', 'problem'],
    ['stdout', '/source/sub'],
  ]);
  expect(await readFile(join(folder, 'source/sub/out'), 'utf8')).toBe('built\n');
});

test('an image that the engine has not is pulled', async () => {
  // Of this test alone: another may have any other pulled meanwhile, or want it.
  const own = image.replace('faulty:ok', `${owner}:1`);
  await host.docker('pull', '--quiet', image);
  await host.docker('tag', image, own);
  await host.docker('push', '--quiet', own);
  await host.docker('rmi', own);
  const details: string[] = [];
  const { ended } = await run(
    'true',
    { image: own },
    { onProgress: (_, __, detail) => void details.push(detail) },
  );
  await host.docker('rmi', own);
  expect(ended.ok).toBe(true);
  expect(details).toContainEqual(expect.stringContaining('Downloaded newer image'));
});

test('an image that nobody has is the reason', async () => {
  const { ended } = await run('true', { image: image.replace(':ok', ':none') });
  expect(ended).toMatchObject({ ok: false, error: { code: 'builder-image' } });
});

test('a failure has the exit code and the last lines', async () => {
  const { ended } = await run('seq 1 100; echo "cc: no such file" >&2; exit 3');
  expect(ended).toMatchObject({ ok: false, error: { code: 'build-command-failed' } });
  const message = ended.ok ? '' : ended.error.message;
  expect(message).toContain('exit code 3');
  expect(message).toContain('cc: no such file');
  expect(message).not.toContain('\n50\n');
});

test('a full disk is the reason', async () => {
  // A container has 64 MB there, in memory.
  const { ended } = await run('dd if=/dev/zero of=/dev/shm/full bs=1M count=100');
  expect(ended).toMatchObject({ ok: false, error: { code: 'disk-full' } });
});

test('a program that is not there is said to be', async () => {
  const { ended } = await run('nosuch');
  expect(ended.ok ? '' : ended.error.message).toContain('exit code 127 (the image has no such program)');
});

test('a cache is kept from run to run', async () => {
  const caches = [{ folder: join(folder, 'cache'), target: '/root/.cache' }];
  await run('echo kept > /root/.cache/file', { caches });
  const { texts } = await run('cat /root/.cache/file', { caches });
  expect(texts).toEqual(['kept']);
});

test('environment and user are as they are asked for', async () => {
  const { texts } = await run('echo "$GREETING"; id -u', { environment: { GREETING: 'a b' }, user: '1234' });
  expect(texts).toEqual(['a b', '1234']);
});

describe('secrets', () => {
  const secrets = [
    { id: 'token', value: Buffer.from('sesame\n') },
    { id: 'key', value: Buffer.from("it's secret\n\n"), variable: 'KEY' },
  ];

  test('are files in memory or variables, in no configuration, and gone with the command', async () => {
    const command =
      'cat /run/secrets/token; printf %s "$KEY" | od -c | head -1; until [ -e go ]; do sleep 0.1; done';
    const running = run(command, { secrets, user: '1000' });
    const inspected = await vi.waitFor(async () => {
      const [id] = await ours();
      if (id === undefined) throw new Error('the container is not there yet');
      return await host.docker('inspect', id);
    });
    await writeFile(join(folder, 'source', 'go'), '');
    const { texts } = await running;
    expect(inspected).not.toMatch(/sesame|it's secret/);
    const files = JSON.parse(inspected)[0].HostConfig.Mounts.map(({ Source }: { Source: string }) => Source);
    const inMemory = files.filter((path: string) => path.startsWith('/dev/shm/'));
    expect(inMemory).toHaveLength(2);
    expect(inMemory.filter((path: string) => existsSync(dirname(path)))).toEqual([]);
    expect(texts[0]).toBe('sesame');
    expect(texts[1]).toContain("i   t   '   s");
  });

  test('are masked where they turn up, in the reason as well', async () => {
    const mask = (text: string) => text.replaceAll('sesame', '***');
    const { ended, texts } = await run('cat /run/secrets/token >&2; exit 1', { secrets }, { mask });
    expect(texts).toEqual(['***']);
    expect(ended.ok ? '' : ended.error.message).toContain('***');
    expect(JSON.stringify(ended)).not.toContain('sesame');
  });
});

test('a cancelled command is gone at once, whatever it ignores', async () => {
  const cancel = new AbortController();
  const { ended } = await run(
    "trap '' TERM INT; echo up; while true; do sleep 1; done",
    {},
    { onOutput: () => cancel.abort() },
    cancel.signal,
  );
  expect(ended).toMatchObject({ ok: false, error: { code: 'cancelled' } });
  expect(await ours()).toEqual([]);
});

test('what a killed agent left is found and removed, and what others run is not', async () => {
  const labels = (name: string) => [
    '--label',
    `${BUILD_LABEL}=run-${name}`,
    '--label',
    `${OWNER_LABEL}=${name}`,
  ];
  const start = (name: string) =>
    host.docker('run', '-d', ...labels(name), '--entrypoint', 'sh', image, '-c', 'sleep 1000');
  await start(owner);
  const other = (await start(`${owner}-other`)).trim();
  expect(await removeBuilderContainers(engines.build, owner)).toEqual([`run-${owner}`]);
  expect(await ours()).toEqual([]);
  expect(await host.docker('inspect', '-f', '{{.State.Running}}', other)).toBe('true\n');
  await host.docker('rm', '-f', other);
});

describe('output', () => {
  test('a million lines come whole, in order, in little memory', async () => {
    let count = 0;
    let wrong = 0;
    let most = 0;
    const before = process.memoryUsage().rss;
    const onOutput = ({ text }: OutputText) => {
      for (const line of linesOf(text)) {
        count++;
        if (line !== `line ${count}`) wrong++;
        if (count % 50_000 === 0) most = Math.max(most, process.memoryUsage().rss);
      }
    };
    const { ended } = await run('seq 1 1000000 | sed "s/^/line /"', {}, { onOutput });
    expect(ended.ok).toBe(true);
    expect({ count, wrong }).toEqual({ count: 1_000_000, wrong: 0 });
    expect(most - before).toBeLessThan(150 * MB);
  });

  test('the command waits for a reader who is slow', async () => {
    let waiting = 0;
    const onOutput = async () => {
      waiting++;
      await new Promise((resolve) => setImmediate(resolve));
      waiting--;
    };
    const { ended } = await run('yes | head -200000', {}, { onOutput });
    expect(ended.ok).toBe(true);
    expect(waiting).toBe(0);
  });

  test('a line of a megabyte, other bytes than UTF-8, progress bars and no newline at the end', async () => {
    const { whole } = await run(
      'head -c 1000000 /dev/zero | tr "\\0" x; echo; printf "a\\377b\\n"; printf "1%%\\r2%%\\r\\n"; printf "\\033[31mred\\033[0m"',
    );
    expect(whole).toBe(`${'x'.repeat(1_000_000)}\na\ufffdb\n1%\r2%\r\n\u001b[31mred\u001b[0m`);
  });
});
