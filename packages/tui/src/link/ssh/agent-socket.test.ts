import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { readSocketAnswer, socketFailure, socketQuestion } from './agent-socket.ts';

const run = promisify(execFile);

test('a machine tells the state of sockets', async () => {
  const dir = await mkdtemp(join(tmpdir(), "tl-it's-"));
  const at = (name: string) => join(dir, name);
  const server = createServer();
  try {
    await new Promise<void>((resolve) => server.listen(at('a.sock'), resolve));
    // One whose listener is gone: what a killed agent leaves.
    const left = `require('net').createServer().listen(${JSON.stringify(at('left.sock'))}, () => process.kill(process.pid, 9))`;
    await run(process.execPath, ['-e', left]).catch(() => {});
    await writeFile(at('file'), '');
    const paths = ['a.sock', 'left.sock', 'file', 'none', 'no/folder/none'].map(at);
    const { stdout } = await run(
      'sh',
      ['-c', `printf 'welcome '; ${socketQuestion(paths, { ownToo: true })}`],
      {
        env: { PATH: process.env.PATH, HOME: dir },
      },
    );
    expect(readSocketAnswer(stdout)).toEqual([
      ...['listens', 'nobody', 'no-socket', 'missing', 'missing'].map((state, index) => ({
        path: paths[index],
        state,
      })),
      { path: at('.local/state/towline/agent.sock'), state: 'missing' },
    ]);
  } finally {
    server.close();
    await rm(dir, { recursive: true });
  }
});

test('what another user may not use or see is told', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('only root can be another user');
  const dir = await mkdtemp(join(tmpdir(), 'tl-other-'));
  const server = createServer();
  try {
    await chmod(dir, 0o755);
    await mkdir(join(dir, 'closed'), { mode: 0o700 });
    await new Promise<void>((resolve) => server.listen(join(dir, 'a.sock'), resolve));
    await chmod(join(dir, 'a.sock'), 0o600);
    const paths = [join(dir, 'a.sock'), join(dir, 'closed', 'a.sock')];
    const words = [
      '--reuid',
      '65534',
      '--clear-groups',
      'sh',
      '-c',
      socketQuestion(paths, { ownToo: false }),
    ];
    const { stdout } = await run('setpriv', words);
    expect(readSocketAnswer(stdout)).toEqual([
      { path: paths[0], state: 'denied', owner: 'root' },
      { path: paths[1], state: 'hidden', owner: 'root' },
    ]);
  } finally {
    server.close();
    await rm(dir, { recursive: true });
  }
});

test.each([
  [[], 'Where `ssh me@web-1 true` hangs as well'],
  [[{ path: '/a', state: 'listens' as const }], 'AllowStreamLocalForwarding yes'],
  [[{ path: '/a', state: 'nobody' as const }], 'again: `towline agent install ssh://web-1:2222` does'],
  [[{ path: '/a', state: 'denied' as const }], 'me may not use'],
  [[{ path: '/a', state: 'hidden' as const }], 'may not look into'],
  [
    [{ path: '/a', state: 'hidden' as const, owner: 'root' }],
    "It is root's: connect as that user, ssh://root@web-1:2222 in the map file.",
  ],
  [[{ path: '/a', state: 'no-socket' as const }], '/a is no socket'],
  [
    [
      { path: '/a', state: 'missing' as const },
      { path: '/b', state: 'missing' as const },
    ],
    'at /a or /b. Start towline-agent there, have it put there (`towline agent install ssh://web-1:2222`), or',
  ],
  [
    [
      { path: '/a', state: 'missing' as const },
      { path: '/b', state: 'nobody' as const },
    ],
    'nobody answers on its socket /b',
  ],
])('%j is told with what to do', (found, part) => {
  const address = { kind: 'ssh', host: 'web-1', port: 2222 } as const;
  const text = socketFailure({ name: 'me@web-1', user: 'me', address }, '/a', found);
  expect(text).toMatch(/^me@web-1: /);
  expect(text).toContain(part);
});

test('one that has a path of its own in the map is none that was put there', () => {
  const address = { kind: 'ssh', host: 'web-1', path: '/a' } as const;
  const found = [{ path: '/a', state: 'missing' as const }];
  const text = socketFailure({ name: 'me@web-1', user: 'me', address }, '/a', found);
  expect(text).toContain('Start towline-agent there, or give the path');
});
