import { createHash, randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { findProgram, run } from './command.ts';
import type { Sandbox } from './sandbox.ts';

interface StandardImage {
  repository: string;
  tags: readonly string[];
  createdAt: string;
  /** Words for the shell that is its first process. */
  script: string;
  /** What it serves on port 8080. */
  page?: string;
  /** More bytes in it, at random, so that a pull takes a while. */
  ballast?: number;
  /** Its processor, where it is not this machine's. */
  architecture?: string;
  healthcheck?: { Test: string[]; Interval: number; Retries: number; StartPeriod?: number };
}

const SECOND = 1_000_000_000;

/** As the first process of a container, a shell that traps TERM ends at once; one that does not, ignores it. */
const SERVE = "trap 'exit 0' TERM; httpd -f -p 8080 -h /www & wait";
const IDLE = "trap 'exit 0' TERM; sleep 1000000 & wait";

const IMAGES: readonly StandardImage[] = [
  // A shell and its tools: what images are built on, and in.
  { repository: 'shop/base', tags: ['1.0'], createdAt: '2025-10-01T06:00:00Z', script: IDLE },
  shop('gateway', ['1.0.0'], '2026-02-03T09:12:00Z'),
  shop('gateway', ['1.1.0'], '2026-03-17T14:40:00Z'),
  shop('gateway', ['1.2.0', 'latest'], '2026-05-05T08:05:00Z'),
  shop('storefront', ['2.0.0'], '2026-01-20T10:30:00Z'),
  shop('storefront', ['2.1.0'], '2026-04-08T16:22:00Z'),
  shop('storefront', ['2.1.1'], '2026-05-06T11:48:00Z'),
  shop('cache', ['7.2.0'], '2025-11-11T07:15:00Z'),
  shop('cache', ['7.4.0'], '2026-04-29T13:33:00Z'),
  faulty('ok', IDLE),
  faulty('ok2', IDLE),
  faulty('healthy', IDLE, {
    healthcheck: { Test: ['CMD', 'true'], Interval: SECOND / 5, Retries: 3 },
  }),
  faulty('exits', 'seq 1 300 | sed "s/^/line /" >&2; exit 7'),
  // Before the gate's three seconds are over.
  faulty('exits-later', 'sleep 2; echo "no more" >&2; exit 7'),
  faulty('unhealthy', IDLE, {
    healthcheck: { Test: ['CMD-SHELL', 'echo "not well"; exit 1'], Interval: SECOND, Retries: 1 },
  }),
  // At its gate until its file is made, or it is killed: for as long as a test takes.
  faulty('held', IDLE, {
    healthcheck: {
      Test: ['CMD', 'test', '-e', '/tmp/go'],
      Interval: SECOND / 5,
      Retries: 3,
      StartPeriod: 600 * SECOND,
    },
  }),
  faulty('stubborn', "trap '' TERM; sleep 1000000 & wait; wait"),
  faulty('foreign', IDLE, { architecture: 'riscv64' }),
  faulty('big', IDLE, { ballast: 64 * 1024 * 1024 }),
];

function shop(name: string, tags: readonly [string, ...string[]], createdAt: string): StandardImage {
  const page = `${name} ${tags[0]}\n`;
  const script = `echo "${name} ${tags[0]} serves on port 8080"; ${SERVE}`;
  return { repository: `shop/${name}`, tags, createdAt, script, page };
}

function faulty(tag: string, script: string, more: Partial<StandardImage> = {}): StandardImage {
  return { repository: 'test/faulty', tags: [tag], createdAt: '2026-05-01T12:00:00Z', script, ...more };
}

interface Blob {
  digest: string;
  bytes: Uint8Array;
}

/** A layer as it is sent, and the digest of what is in it. */
interface Layer extends Blob {
  diffId: string;
}

/**
 * Puts the images that tests and the demo use into the sandbox's registry. They come from nothing: one layer with
 * Debian's static busybox, and one with what an image is about. They are written as the registry keeps them, with no
 * engine between: a second for all, the same digests each time, and dates of their own.
 */
export async function pushStandardImages(sandbox: Pick<Sandbox, 'registry' | 'dir'>): Promise<void> {
  const base = await layerOf(sandbox.dir, writeBusybox);
  for (const image of IMAGES) {
    const layers = [base];
    const { page, ballast } = image;
    if (page !== undefined) {
      layers.push(
        await layerOf(sandbox.dir, async (root) => {
          await mkdir(join(root, 'www'));
          await writeFile(join(root, 'www/index.html'), page);
        }),
      );
    }
    if (ballast !== undefined) {
      layers.push(
        await layerOf(sandbox.dir, (root) => writeFile(join(root, 'ballast'), randomBytes(ballast))),
      );
    }
    await pushImage(sandbox.registry.host, image, layers);
  }
}

async function writeBusybox(root: string): Promise<void> {
  const busybox = (await findProgram('busybox')) ?? '/bin/busybox';
  await mkdir(join(root, 'bin'));
  await mkdir(join(root, 'tmp'));
  await mkdir(join(root, 'etc'));
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\nshop:x:1000:1000:shop:/:/bin/sh\n');
  await copyFile(busybox, join(root, 'bin/busybox'));
  for (const applet of (await run(busybox, ['--list'])).split('\n')) {
    if (applet !== '' && applet !== 'busybox') await symlink('busybox', join(root, 'bin', applet));
  }
}

async function layerOf(dir: string, write: (root: string) => Promise<void>): Promise<Layer> {
  const folder = await mkdtemp(join(dir, 'layer-'));
  try {
    const root = join(folder, 'root');
    const archive = join(folder, 'layer.tar');
    await mkdir(root);
    await write(root);
    const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0'];
    await run('tar', ['--create', '--file', archive, ...same, '--directory', root, '.']);
    const tar = await readFile(archive);
    // What is large here is random, and does not get smaller.
    const bytes = gzipSync(tar, { level: tar.length > 16 * 1024 * 1024 ? 0 : 6 });
    return { digest: digestOf(bytes), bytes, diffId: digestOf(tar) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json';
const CONFIG_TYPE = 'application/vnd.docker.container.image.v1+json';
const LAYER_TYPE = 'application/vnd.docker.image.rootfs.diff.tar.gzip';

async function pushImage(registry: string, image: StandardImage, layers: readonly Layer[]): Promise<void> {
  const { repository, createdAt } = image;
  const config = blobOf({
    architecture: image.architecture ?? (process.arch === 'arm64' ? 'arm64' : 'amd64'),
    os: 'linux',
    created: createdAt,
    config: {
      Env: ['PATH=/bin'],
      Cmd: ['/bin/sh', '-c', image.script],
      ...(image.page !== undefined && { ExposedPorts: { '8080/tcp': {} } }),
      ...(image.healthcheck !== undefined && { Healthcheck: image.healthcheck }),
    },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map(() => ({ created: createdAt, created_by: 'towline sandbox' })),
  });
  for (const blob of [config, ...layers]) await pushBlob(registry, repository, blob);
  const manifest = blobOf({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, size: config.bytes.length, digest: config.digest },
    layers: layers.map(({ bytes, digest }) => ({ mediaType: LAYER_TYPE, size: bytes.length, digest })),
  });
  for (const tag of image.tags) {
    const path = `/v2/${repository}/manifests/${tag}`;
    await ask(registry, 'PUT', path, { 'content-type': MANIFEST_TYPE }, manifest.bytes);
  }
}

async function pushBlob(registry: string, repository: string, blob: Blob): Promise<void> {
  const there = await fetch(`http://${registry}/v2/${repository}/blobs/${blob.digest}`, { method: 'HEAD' });
  if (there.ok) return;
  const upload = await ask(registry, 'POST', `/v2/${repository}/blobs/uploads/`);
  const target = new URL(upload.headers.get('location') ?? '', `http://${registry}`);
  target.searchParams.set('digest', blob.digest);
  const type = { 'content-type': 'application/octet-stream' };
  await ask(registry, 'PUT', `${target.pathname}${target.search}`, type, blob.bytes);
}

async function ask(
  registry: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: Uint8Array,
): Promise<Response> {
  const answer = await fetch(`http://${registry}${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: new Uint8Array(body) }),
  });
  if (!answer.ok)
    throw new Error(`The registry answered ${answer.status} to ${method} ${path}: ${await answer.text()}`);
  return answer;
}

function blobOf(value: object): Blob {
  const bytes = Buffer.from(JSON.stringify(value));
  return { digest: digestOf(bytes), bytes };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
