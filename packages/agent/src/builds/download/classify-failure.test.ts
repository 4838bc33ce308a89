import { expect, test } from 'vitest';
import { classifyFailure } from './classify-failure.ts';

const source = { url: 'https://git.shop.example/shop.git', ref: 'main' };
const ssh = { url: 'git@git.shop.example:shop.git', ref: 'main', credentials: { kind: 'ssh' } as const };

// What the servers of the other tests don't say, and other versions of git, curl and ssh do.
test.each([
  ['server-unknown', 'ssh: Could not resolve hostname git.shop.example: Name or service not known'],
  [
    'server-timeout',
    "fatal: unable to access 'https://git.shop.example/': Failed to connect: Connection timed out",
  ],
  ['server-timeout', 'ssh: connect to host git.shop.example port 22: No route to host'],
  ['certificate', "fatal: unable to access 'https://x/': SSL certificate problem: self-signed certificate"],
  [
    'certificate',
    "fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none",
  ],
  ['server-failed', "fatal: unable to access 'https://x/': The requested URL returned error: 502"],
  ['server-failed', 'error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly\nfatal: early EOF'],
  ['no-such-repository', 'remote: Repository not found.\nfatal: Authentication is not the matter'],
  [
    'no-access',
    'remote: HTTP Basic: Access denied.\nfatal: unable to access: The requested URL returned error: 403',
  ],
  ['disk-full', 'Receiving objects:  3%\rfatal: write error: No space left on device\nfatal: early EOF'],
  ['clone-broken', 'error: object file .git/objects/ab/cd is empty\nfatal: loose object abcd is corrupt'],
  ['no-such-ref', 'fatal: remote error: upload-pack: not our ref ffff'],
  ['git-failed', 'fatal: something new'],
  ['git-failed', ''],
])('%s: %s', (code, stderr) => expect(classifyFailure(stderr, source).code).toBe(code));

test('a server’s words can’t drive a terminal', () => {
  const { message } = classifyFailure(
    'fatal: remote error: \u001b[2J\u001b]0;x\u0007go \u009b31maway\n',
    source,
  );
  expect(message).toContain('(remote error: go 31maway)');
});

test('a key that is not let in is the key’s to add, or to choose', () => {
  const stderr =
    'git@git.shop.example: Permission denied (publickey).\r\nfatal: Could not read from remote repository.';
  expect(classifyFailure(stderr, ssh).message).toContain('Add its public key');
  expect(classifyFailure(stderr, { url: ssh.url, ref: 'main' }).message).toContain(
    'Choose the agent’s SSH key',
  );
});
