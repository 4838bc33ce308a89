import { execFile, spawn } from 'node:child_process';
import { createHash, createSign, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, sharedSandbox } from '@towline/test/sandbox';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createRegistry, type Registry } from './index.ts';

const run = promisify(execFile);
let host: string;
let configDir: string;
let registry: Registry;

beforeAll(async () => {
  host = (await sharedSandbox()).registry;
});
beforeEach(async () => {
  configDir = await mkdtemp(join(tmpdir(), 'tl-registry-'));
  registry = createRegistry({ configDir });
});
afterEach(() => rm(configDir, { recursive: true, force: true }));

const sha256 = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const uniqueName = () => `registry-${randomBytes(4).toString('hex')}`;

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return `localhost:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

/** Puts an image without any layer into a registry, under all these tags. */
async function push(registryHost: string, repository: string, tags: readonly string[], authorization = '') {
  const base = `http://${registryHost}/v2/${repository}`;
  const ask = async (method: string, url: string | URL, body?: string, type = 'application/octet-stream') => {
    const headers = { 'content-type': type, ...(authorization && { authorization }) };
    const answer = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
    await answer.body?.cancel();
    return answer;
  };
  const config = JSON.stringify({
    created: '2026-03-04T05:06:07Z',
    os: 'linux',
    architecture: 'amd64',
    config: {},
    rootfs: { type: 'layers', diff_ids: [] },
  });
  const upload = await ask('POST', `${base}/blobs/uploads/`);
  const place = new URL(upload.headers.get('location') ?? '', `http://${registryHost}`);
  place.searchParams.set('digest', sha256(Buffer.from(config)));
  await ask('PUT', place, config);
  const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      size: config.length,
      digest: sha256(Buffer.from(config)),
    },
    layers: [],
  });
  const left = [...tags];
  const worker = async () => {
    for (let tag = left.pop(); tag !== undefined; tag = left.pop()) {
      await ask('PUT', `${base}/manifests/${tag}`, manifest, mediaType);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return { digest: sha256(Buffer.from(manifest)), size: config.length };
}

describe('versions', () => {
  test('the newest first, with digest, size and date', async () => {
    const found = await registry.versions(`${host}/shop/gateway`, 100);
    expect(found).toMatchObject({ ok: true, value: { total: 4 } });
    const versions = found.ok ? found.value.versions : [];
    expect(versions.map(({ tag }) => tag)).toEqual(
      expect.arrayContaining(['1.2.0', '1.1.0', '1.0.0', 'latest']),
    );
    expect(versions.filter(({ tag }) => tag !== 'latest').map(({ tag }) => tag)).toEqual([
      '1.2.0',
      '1.1.0',
      '1.0.0',
    ]);
    for (const version of versions) {
      expect(version).toMatchObject({
        digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        createdAt: expect.stringMatching(/^2026-/),
      });
      expect(version.size).toBeGreaterThan(100_000);
    }
    const digestOf = (tag: string) => versions.find((version) => version.tag === tag)?.digest;
    expect(digestOf('latest')).toBe(digestOf('1.2.0'));
  });

  test('an image that is not there, and one that is no name', async () => {
    const missing = await registry.versions(`${host}/shop/nothing`, 10);
    expect(missing).toMatchObject({ ok: false, error: { code: 'image-not-found' } });
    expect(missing.ok ? '' : missing.error.message).toContain('shop/nothing');
    expect(await registry.versions('Not A Name', 10)).toMatchObject({
      ok: false,
      error: { code: 'bad-image' },
    });
  });

  test('a registry that is not there', async () => {
    const found = await registry.versions(`localhost:${await freePort()}/shop/gateway`, 10);
    expect(found).toMatchObject({ ok: false, error: { code: 'registry-unavailable' } });
    expect(found.ok ? '' : found.error.message).toContain('nothing listens there');
  });

  test('what answers but is no registry', async () => {
    const server = createServer((_, response) => void response.end('<html>hello</html>'));
    const place = await listen(server);
    const found = await registry.versions(`${place}/shop/gateway`, 10);
    server.close();
    expect(found).toMatchObject({ ok: false, error: { code: 'registry-unavailable' } });
  });
});

describe('manifest', () => {
  test('by tag and by digest', async () => {
    const byTag = await registry.manifest(`${host}/shop/cache`, '7.4.0');
    expect(byTag).toMatchObject({ ok: true, value: { createdAt: '2026-04-29T13:33:00Z' } });
    const digest = byTag.ok ? byTag.value.digest : '';
    expect(await registry.manifest(`${host}/shop/cache`, digest)).toEqual(byTag);
  });

  test('a tag that is not there is said to be missing, with the whole name', async () => {
    const found = await registry.manifest(`${host}/shop/cache`, '9.9.9');
    expect(found).toMatchObject({ ok: false, error: { code: 'tag-not-found' } });
    expect(found.ok ? '' : found.error.message).toContain(`${host}/shop/cache:9.9.9`);
  });
});

describe('very many tags', () => {
  const tags = Array.from({ length: 1_200 }, (_, at) => `1.${at}.0`);
  let repository: string;
  let pushed: { digest: string; size: number };

  beforeAll(async () => {
    repository = uniqueName();
    pushed = await push(host, repository, tags);
  });

  test('are all counted, and digests are those of the newest', async () => {
    const found = await registry.versions(`${host}/${repository}`, 5);
    expect(found).toEqual({
      ok: true,
      value: {
        total: 1_200,
        versions: ['1.1199.0', '1.1198.0', '1.1197.0', '1.1196.0', '1.1195.0'].map((tag) => ({
          tag,
          digest: pushed.digest,
          size: pushed.size,
          createdAt: '2026-03-04T05:06:07Z',
        })),
      },
    });
  });

  test('come in pages from a registry that pages, and a page that leads nowhere new is the last', async () => {
    // This registry's release answers with all tags at once; later ones page, as the specification has it.
    const pages: string[] = [];
    let circle = false;
    const pager = createServer((incoming, response) => {
      const url = new URL(incoming.url ?? '/', `http://${host}`);
      forward(incoming, host, (answer, body) => {
        if (!url.pathname.endsWith('/tags/list'))
          return void response.writeHead(answer.statusCode ?? 500).end(body);
        pages.push(url.search);
        const all: { name: string; tags: string[] } = JSON.parse(body.toString());
        const sorted = all.tags.toSorted();
        const from = circle ? 0 : sorted.indexOf(url.searchParams.get('last') ?? '') + 1;
        const page = sorted.slice(from, from + 500);
        const next = `<${url.pathname}?last=${page.at(-1)}&n=500>; rel="next"`;
        const more = circle || from + 500 < sorted.length;
        response.writeHead(200, { 'content-type': 'application/json', ...(more && { link: next }) });
        response.end(JSON.stringify({ ...all, tags: page }));
      });
    });
    const place = await listen(pager);
    const found = await registry.tags(`${place}/${repository}`);
    expect(found.ok && found.value.toSorted()).toEqual(tags.toSorted());
    expect(pages).toHaveLength(3);

    circle = true;
    pages.length = 0;
    const around = await registry.tags(`${place}/${repository}`);
    expect(around.ok && around.value).toHaveLength(500);
    expect(pages).toHaveLength(2);
    pager.close();
  });
});

/** Passes a request on to the real registry and hands over what that answers. */
function forward(
  incoming: IncomingMessage,
  to: string,
  done: (answer: IncomingMessage, body: Buffer) => void,
): void {
  const { method, url, headers } = incoming;
  const outgoing = request(
    `http://${to}${url}`,
    { method, headers: { ...headers, host: to } },
    async (answer) => {
      const chunks = await Array.fromAsync<Uint8Array>(answer);
      done(answer, Buffer.concat(chunks));
    },
  );
  outgoing.end();
}

describe('a registry that wants a login', () => {
  let dir: string;
  const ends: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tl-protected-'));
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await rm(dir, { recursive: true, force: true });
  });

  async function startRegistry(name: string, auth: object): Promise<string> {
    const port = await freePort();
    const config = join(dir, `${name}.yml`);
    const storage = { filesystem: { rootdirectory: join(dir, name) } };
    const settings = {
      version: 0.1,
      log: { level: 'error' },
      storage,
      auth,
      http: { addr: `127.0.0.1:${port}` },
    };
    await writeFile(config, JSON.stringify(settings));
    const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    ends.push(() => {
      child.kill();
      return ended;
    });
    const place = `localhost:${port}`;
    await vi.waitFor(() => fetch(`http://${place}/v2/`));
    return place;
  }

  async function logIn(server: string, username: string, password: string): Promise<void> {
    const auth = Buffer.from(`${username}:${password}`).toString('base64');
    await writeFile(join(configDir, 'config.json'), JSON.stringify({ auths: { [server]: { auth } } }));
  }

  describe('by password', () => {
    let place: string;
    const authorization = `Basic ${Buffer.from('op:lets go').toString('base64')}`;

    beforeAll(async () => {
      const path = join(dir, 'htpasswd');
      await writeFile(path, 'op:$2y$05$abcdefghijklmnopqrstuuIHKHbEdeeKPBJv1opCn9wfYua.go9ga\n');
      place = await startRegistry('password', { htpasswd: { realm: 'test', path } });
      await push(place, 'shop/secret', ['1.0.0', '1.1.0'], authorization);
    });

    test('takes the machine’s Docker login, as soon as there is one', async () => {
      const denied = await registry.versions(`${place}/shop/secret`, 10);
      expect(denied).toMatchObject({ ok: false, error: { code: 'registry-denied' } });
      expect(denied.ok ? '' : denied.error.message).toContain(`docker login ${place}`);
      expect(await registry.engineAuth(`${place}/shop/secret`)).toBeUndefined();

      await logIn(place, 'op', 'lets go');
      const found = await registry.versions(`${place}/shop/secret`, 10);
      expect(found.ok && found.value.versions.map(({ tag, digest }) => [tag, digest?.slice(0, 7)])).toEqual([
        ['1.1.0', 'sha256:'],
        ['1.0.0', 'sha256:'],
      ]);
      expect(await registry.engineAuth(`${place}/shop/secret`)).toEqual({
        username: 'op',
        password: 'lets go',
        serveraddress: place,
      });
    });

    test('says so where the login is wrong', async () => {
      await logIn(place, 'op', 'wrong');
      const denied = await registry.manifest(`${place}/shop/secret`, '1.0.0');
      expect(denied.ok ? '' : denied.error.message).toContain('refused the login');
    });

    test('tells what stood in the way of a login', async () => {
      await writeFile(join(configDir, 'config.json'), JSON.stringify({ credsStore: 'is-not-there' }));
      const denied = await registry.tags(`${place}/shop/secret`);
      expect(denied.ok ? '' : denied.error.message).toContain('docker-credential-is-not-there');
      // One that wants no login is not in its way.
      expect((await registry.tags(`${host}/shop/gateway`)).ok).toBe(true);
    });
  });

  describe('by token', () => {
    let place: string;
    const asked: string[] = [];
    let lifetime = 300;

    beforeAll(async () => {
      const key = join(dir, 'key.pem');
      const certificate = join(dir, 'cert.pem');
      await run('openssl', [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=test'],
        ...['-keyout', key, '-out', certificate],
      ]);
      const pem = await readFile(key, 'utf8');
      const x5c = (await readFile(certificate, 'utf8')).replace(/-----.*-----|\n/g, '');
      const tokens = createServer((incoming, response) => {
        const url = new URL(incoming.url ?? '/', 'http://localhost');
        asked.push(url.searchParams.get('scope') ?? '');
        const login = Buffer.from(incoming.headers.authorization?.split(' ')[1] ?? '', 'base64').toString();
        if (login !== 'op:lets go' && login !== '') return void response.writeHead(401).end();
        const [type, name, actions = ''] = (url.searchParams.get('scope') ?? '').split(':');
        // Without a login there is a token as well, one that opens nothing.
        const access = login === '' ? [] : [{ type, name, actions: actions.split(',') }];
        const now = Math.floor(Date.now() / 1000);
        const claims = { iss: 'test', aud: 'shop', sub: 'op', jti: randomBytes(8).toString('hex'), access };
        const times = { iat: now, nbf: now - 10, exp: now + lifetime };
        const parts = [
          { typ: 'JWT', alg: 'RS256', x5c: [x5c] },
          { ...claims, ...times },
        ];
        const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
        const signature = createSign('RSA-SHA256').update(text).sign(pem).toString('base64url');
        response.end(JSON.stringify({ token: `${text}.${signature}`, expires_in: lifetime }));
      });
      const realm = `http://${await listen(tokens)}/token`;
      ends.push(async () => tokens.close());
      place = await startRegistry('token', {
        token: { realm, service: 'shop', issuer: 'test', rootcertbundle: certificate },
      });
      const auth = { authorization: `Basic ${Buffer.from('op:lets go').toString('base64')}` };
      const answer = await fetch(`${realm}?scope=repository:shop/secret:pull,push`, { headers: auth });
      const { token }: { token: string } = JSON.parse(await answer.text());
      await push(place, 'shop/secret', ['1.0.0', '1.1.0'], `Bearer ${token}`);
    });

    test('one token serves many requests, and is asked for again when it ends', async () => {
      await logIn(place, 'op', 'lets go');
      asked.length = 0;
      expect((await registry.versions(`${place}/shop/secret`, 10)).ok).toBe(true);
      expect(asked).toEqual(['repository:shop/secret:pull']);
      expect((await registry.tags(`${place}/shop/secret`)).ok).toBe(true);
      expect(asked).toHaveLength(1);
      lifetime = 1;
      const other = createRegistry({ configDir });
      expect((await other.tags(`${place}/shop/secret`)).ok).toBe(true);
      expect((await other.tags(`${place}/shop/secret`)).ok).toBe(true);
      expect(asked).toHaveLength(3);
      lifetime = 300;
    });

    test('says so where there is no login, or a wrong one', async () => {
      const none = await registry.tags(`${place}/shop/secret`);
      expect(none).toMatchObject({ ok: false, error: { code: 'registry-denied' } });
      await logIn(place, 'op', 'wrong');
      const wrong = await registry.tags(`${place}/shop/secret`);
      expect(wrong.ok ? '' : wrong.error.message).toContain('refused the login');
    });
  });
});
