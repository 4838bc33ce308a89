import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SshAddress } from '../agent-url.ts';
import { type RouteWorld, sshRoute } from './route.ts';
import { type SshSettings, sshSettings } from './ssh-settings.ts';

function world(text: string, change: Partial<RouteWorld> = {}): RouteWorld {
  return {
    files: [{ path: '/home/me/.ssh/config', text }],
    include: () => [],
    localUser: 'me',
    localHost: 'desk.example.com',
    home: '/home/me',
    uid: 1000,
    env: {},
    ...change,
  };
}

function hops(text: string, address: Omit<SshAddress, 'kind'>, change: Partial<RouteWorld> = {}) {
  const found = sshRoute({ kind: 'ssh', ...address }, world(text, change));
  if (!found.ok) throw new Error(found.error.message);
  return found.value.hops;
}

function ways(text: string, host: string): string {
  return hops(text, { host })
    .map(({ user, host: at, port }) => `${user}@${at}:${port}`)
    .join(' ');
}

test('without a configuration a machine is reached as ssh reaches it', () => {
  expect(hops('', { host: 'web-1' }, { env: { SSH_AUTH_SOCK: '/tmp/agent' } })).toEqual([
    {
      name: 'web-1',
      host: 'web-1',
      port: 22,
      user: 'me',
      identityFiles: ['/home/me/.ssh/id_rsa', '/home/me/.ssh/id_ecdsa', '/home/me/.ssh/id_ed25519'],
      identityFilesNamed: false,
      identitiesOnly: false,
      agentSocket: '/tmp/agent',
      knownAs: { name: 'web-1', port: 22 },
      userKnownHostsFiles: ['/home/me/.ssh/known_hosts', '/home/me/.ssh/known_hosts2'],
      globalKnownHostsFiles: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
      unknownHost: 'refuse',
      hashKnownHosts: false,
    },
  ]);
});

test('what the url says goes before the files', () => {
  const text = 'Host web-1\n  User deploy\n  Port 2222\n  HostName 10.0.0.1';
  expect(hops(text, { host: 'web-1', user: 'root', port: 22 })).toMatchObject([
    { user: 'root', port: 22, host: '10.0.0.1' },
  ]);
});

test.each([
  ['Host web-1\n ProxyJump gate', 'me@gate:22 me@web-1:22'],
  [
    'Host web-1\n ProxyJump ops@gate:2200\nHost gate\n HostName 10.0.0.9\n User nobody',
    'ops@10.0.0.9:2200 me@web-1:22',
  ],
  ['Host web-1\n ProxyJump a,b@b,[::1]:23', 'me@a:22 b@b:22 me@::1:23 me@web-1:22'],
  ['Host web-1\n ProxyJump a\nHost a\n ProxyJump b', 'me@b:22 me@a:22 me@web-1:22'],
  // What is given for the last hop goes before its own jump; the first goes through its own.
  [
    'Host web-1\n ProxyJump a,b\nHost b\n ProxyJump c\nHost a\n ProxyJump d',
    'me@d:22 me@a:22 me@b:22 me@web-1:22',
  ],
  ['Host web-1\n ProxyJump none\nHost *\n ProxyJump gate', 'me@web-1:22'],
  ['Host web-1\n ProxyCommand none\nHost *\n ProxyJump gate', 'me@web-1:22'],
  [
    'Host web-1\n HostName 10.0.0.1\n User u\n Port 33\n ProxyJump gate-%n-%h,x%r@b%p.example',
    'me@gate-web-1-10.0.0.1:22 xu@b33.example:22 u@10.0.0.1:33',
  ],
  ['Host web-1\n ProxyJump ssh://ops@gate:2200', 'ops@gate:2200 me@web-1:22'],
])('%j leads through %s', (text, expected) => {
  expect(ways(text, 'web-1')).toBe(expected);
});

test('tokens, variables and the home are what OpenSSH makes of them', () => {
  const text = [
    'Host web-1',
    '  HostName %h.example.com',
    '  User deploy',
    '  Port 2200',
    '  IdentityFile ~/.ssh/%n-%h-%p-%r-%u-%i-%L-%l-%%',
    '  IdentityFile "%d/with space"',
    `  IdentityFile $${'{KEYS}'}/web`,
    '  UserKnownHostsFile ~/known/%k /dev/null',
    '  HostKeyAlias web',
    '  IdentityAgent none',
    '  ConnectTimeout 3',
  ].join('\n');
  expect(hops(text, { host: 'web-1' }, { env: { KEYS: '/keys', SSH_AUTH_SOCK: '/x' } })).toEqual([
    expect.objectContaining({
      host: 'web-1.example.com',
      identityFiles: [
        '/home/me/.ssh/web-1-web-1.example.com-2200-deploy-me-1000-desk-desk.example.com-%',
        '/home/me/with space',
        '/keys/web',
      ],
      knownAs: { name: 'web', port: 22 },
      userKnownHostsFiles: ['/home/me/known/web', '/dev/null'],
      connectTimeoutMs: 3_000,
    }),
  ]);
  expect(hops(text, { host: 'web-1' }, { env: { KEYS: '/keys' } })[0]).not.toHaveProperty('agentSocket');
});

test.each([
  ['1m', 60_000],
  ['1h30M10', 5_410_000],
  ['99999', 99_999_000],
  ['9999w', 2_000_000_000],
  ['none', undefined],
])('ConnectTimeout %s is a time as OpenSSH has it', (value, ms) => {
  expect(hops(`ConnectTimeout ${value}`, { host: 'x' })[0]?.connectTimeoutMs).toBe(ms);
});

test.each([
  ['accept-new', 'accept-new'],
  ['no', 'accept-new'],
  ['yes', 'refuse'],
  ['ask', 'refuse'],
])('StrictHostKeyChecking %s: an unknown host is %s', (value, expected) => {
  expect(hops(`StrictHostKeyChecking ${value}`, { host: 'x' })[0]?.unknownHost).toBe(expected);
});

test.each([
  ['Host web-1\n ProxyCommand nc %h %p', 'proxy-command', 'ProxyJump'],
  ['Host a\n ProxyJump web-1\nHost web-1\n ProxyJump a', 'jump-loop', 'ProxyJump none'],
  ['Host web-1\n ProxyJump a b:c:d', 'ssh-config', 'none: "a b:c:d"'],
  ['Match exec "true"\n User x', 'ssh-config', 'Match exec'],
  ['Port lots', 'ssh-config', '"lots"'],
  ['ConnectTimeout soon', 'ssh-config', '"soon"'],
  ['ProxyJump gate-%d', 'ssh-config', '%d'],
  ['IdentityFile ~/%Z', 'ssh-config', '%Z'],
  ['IdentityFile "~/open', 'ssh-config', 'ssh -G'],
])('%j is refused: %s', (text, code, part) => {
  const found = sshRoute({ kind: 'ssh', host: 'web-1' }, world(text));
  expect(found).toMatchObject({ ok: false, error: { code } });
  expect(!found.ok && found.error.message).toContain(part);
});

test.each([
  // What was said before is not changed by it, and what it says is not used.
  ['User a\nMatch exec "true"\n User b', 'a'],
  ['User a\nMatch exec "true"\n ForwardX11 yes', 'a'],
  ['Match host other exec "true"\n User b\nUser a', 'me'],
])('a Match that can not be decided is passed over where it decides nothing: %j', (text, user) => {
  expect(hops(text, { host: 'web-1' })[0]?.user).toBe(user);
});

test('included files are read where they are included, and only for whom', () => {
  const files: Record<string, string> = {
    'conf.d/*': 'Host web-1\n  User inner\n',
    deep: 'Include conf.d/*\nPort 23',
  };
  const include: RouteWorld['include'] = (pattern) =>
    files[pattern] === undefined ? [] : [{ path: pattern, text: files[pattern] }];
  expect(hops('Include deep\nHost *\n User outer', { host: 'web-1' }, { include })).toMatchObject([
    { user: 'inner', port: 23 },
  ]);
  expect(
    hops('Host other\n Include deep\nHost *\n User outer', { host: 'web-1' }, { include }),
  ).toMatchObject([{ user: 'outer', port: 22 }]);
  const self: RouteWorld['include'] = () => [{ path: 'a', text: 'Include a' }];
  expect(sshRoute({ kind: 'ssh', host: 'x' }, world('Include a', { include: self }))).toMatchObject({
    ok: false,
    error: { code: 'ssh-config', message: expect.stringContaining('included by itself') },
  });
});

const hostName = fc.constantFrom('web-1', 'web-2', 'db', 'gate', '10.0.0.1', 'a.example.com');
// Who is reached through `gate` is never `gate` itself: ssh ends there.
const askedHost = hostName.filter((name) => name !== 'gate');
const pattern = fc.oneof(
  hostName,
  fc.constantFrom('*', 'web-*', 'web-?', '!web-1', '!db', '*.example.com', '10.0.?.*'),
);
const setting = fc.oneof(
  fc.tuple(fc.constantFrom('User', 'user', 'USER'), fc.constantFrom('deploy', 'root', '"ops"')),
  fc.tuple(fc.constant('HostName'), fc.constantFrom('10.1.1.1', '%h.example.com', 'Gate.Example.com', '%%h')),
  fc.tuple(fc.constant('Port'), fc.constantFrom('22', '2222', '443')),
  fc.tuple(
    fc.constant('IdentityFile'),
    fc.constantFrom('~/.ssh/a', '"~/.ssh/b c"', '%d/.ssh/%h', '/k/%r', 'none', '~/.ssh/a'),
  ),
  fc.tuple(fc.constant('IdentitiesOnly'), fc.constantFrom('yes', 'no')),
  fc.tuple(fc.constant('ProxyJump'), fc.constantFrom('gate', 'ops@gate:2200', 'a,b', 'none')),
  fc.tuple(fc.constant('ProxyCommand'), fc.constantFrom('none', 'nc %h %p')),
  fc.tuple(
    fc.constant('UserKnownHostsFile'),
    fc.constantFrom('/dev/null', '~/known', '~/known "/other file"', '~/%k'),
  ),
  fc.tuple(fc.constant('StrictHostKeyChecking'), fc.constantFrom('yes', 'no', 'accept-new', 'ask')),
  fc.tuple(fc.constant('ForwardX11'), fc.constantFrom('yes', 'no')),
);
const settingLine = fc
  .tuple(setting, fc.constantFrom(' ', '=', ' = ', '\t'))
  .map(([[keyword, value], separator]) => `  ${keyword}${separator}${value}`);
const block = fc
  .tuple(
    fc.oneof(
      fc.array(pattern, { minLength: 1, maxLength: 3 }).map((all) => `Host ${all.join(' ')}`),
      fc.array(pattern, { minLength: 1, maxLength: 2 }).map((all) => `Match host ${all.join(',')}`),
      fc.constantFrom(
        'Match all',
        'Match user deploy,root',
        'Match !originalhost web-1',
        'Match user ops host web-*',
      ),
    ),
    fc.array(fc.oneof(settingLine, fc.constantFrom('# a comment', '')), { maxLength: 5 }),
  )
  .map(([head, lines]) => [head, ...lines].join('\n'));
const config = fc
  .tuple(fc.array(settingLine, { maxLength: 2 }), fc.array(block, { maxLength: 5 }))
  .map(([top, blocks]) => `${[...top, ...blocks].join('\n')}\n`);

/** As `ssh -G` prints it, for what it prints too. */
function printed(settings: SshSettings, host: string): Record<string, unknown> {
  const { hostName, user, port, identityFiles, identitiesOnly, proxyJump, proxyCommand } = settings;
  const expanded = (hostName ?? host).replace(/%([h%])/g, (_, name) => (name === 'h' ? host : '%'));
  const some = (value: string | undefined) => (value === 'none' ? undefined : value);
  return {
    hostname: expanded.toLowerCase(),
    user: user ?? userInfo().username,
    port: String(port ?? 22),
    identityfile: identityFiles,
    identitiesonly: identitiesOnly ? 'yes' : 'no',
    proxyjump: some(proxyJump),
    proxycommand: some(proxyCommand),
    stricthostkeychecking: settings.strictHostKeyChecking ?? 'ask',
  };
}

const SAME: Record<string, string> = { true: 'yes', false: 'no', off: 'no' };

async function asked(file: string, host: string): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)('ssh', ['-G', '-F', file, host]);
  const values = new Map<string, string[]>();
  for (const line of stdout.split('\n')) {
    const [, keyword = '', value = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
    values.set(keyword, [...(values.get(keyword) ?? []), value]);
  }
  const one = (keyword: string) => values.get(keyword)?.[0];
  const defaults = 'identityfile ~/.ssh/id_rsa';
  const identities = values.get('identityfile') ?? [];
  const strict = one('stricthostkeychecking') ?? '';
  return {
    hostname: one('hostname'),
    user: one('user'),
    port: one('port'),
    identityfile: `identityfile ${identities[0]}` === defaults && identities.length > 2 ? [] : identities,
    identitiesonly: one('identitiesonly'),
    proxyjump: one('proxyjump'),
    proxycommand: one('proxycommand'),
    userknownhostsfile: one('userknownhostsfile'),
    stricthostkeychecking: SAME[strict] ?? strict,
  };
}

test('settings are those of `ssh -G`, whatever the configuration', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tl-ssh-g-'));
  let runs = 0;
  try {
    await fc.assert(
      fc.asyncProperty(config, askedHost, async (text, host) => {
        const file = join(dir, `config-${runs++}`);
        await writeFile(file, text);
        const { username, uid, homedir: home } = userInfo();
        const mine = sshSettings(
          { host },
          { files: [{ path: file, text }], include: () => [], localUser: username },
        );
        if (!mine.ok) throw new Error(mine.error.message);
        // Where the proxies lead is another machine.
        const direct = text.replace(/^ *Proxy.*$/gm, '');
        const [hop] = hops(direct, { host }, { home, uid, localUser: username });
        const userknownhostsfile = hop?.userKnownHostsFiles.join(' ');
        expect({ ...printed(mine.value, host), userknownhostsfile }).toEqual(await asked(file, host));
      }),
      { numRuns: Number(process.env.TOWLINE_SSH_CONFIGS ?? 40) },
    );
  } finally {
    await rm(dir, { recursive: true });
  }
});
