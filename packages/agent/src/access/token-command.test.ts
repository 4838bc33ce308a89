import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addTokenCommands } from './token-command.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-token-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function run(now: string, ...words: string[]) {
  const out: string[] = [];
  const said: string[] = [];
  const program = new Command();
  addTokenCommands(program, {
    stateDir: () => dir,
    out: (text) => out.push(text),
    fail: (message) => said.push(message),
    now: () => Date.parse(now),
  });
  for (const command of program.commands.flatMap((each) => [each, ...each.commands])) {
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => out.push(text), writeErr: (text) => said.push(text) });
  }
  await program.parseAsync(['token', ...words], { from: 'user' }).catch(() => {});
  return { out: out.join(''), said: said.join('') };
}

test('makes, lists and revokes, and shows a token once', async () => {
  expect((await run('2026-01-01T00:00:00Z', 'list')).out).toBe(
    `There is no token in ${dir}. Make one: towline-agent token create NAME --role operator --state-dir ${dir}\n`,
  );
  const anna = await run('2026-01-01T00:00:00Z', 'create', 'anna', '--role', 'operator');
  expect(anna).toEqual({
    out: expect.stringMatching(/^towline_[\w-]{43}\n$/),
    said: expect.stringContaining(
      `an agent with the state folder ${dir}, and none has run with that one yet`,
    ),
  });
  await writeFile(join(dir, 'agent.lock'), '');
  expect((await run('2026-01-01T00:00:00Z', 'create', 'bert', '--role', 'viewer')).said).toBe(
    `It is for the agent with the state folder ${dir}.\n`,
  );
  await rm(join(dir, 'tokens', 'bert.json'));
  await run('2026-01-02T00:00:00Z', 'create', 'board', '--role', 'viewer', '--expires', '90d');
  await run('2026-01-03T00:00:00Z', 'create', 'gone', '--role', 'viewer');
  expect((await run('2026-01-04T00:00:00Z', 'revoke', 'gone')).out).toBe('"gone" is revoked.\n');
  expect((await run('2026-01-04T00:00:00Z', 'revoke', 'gone')).out).toContain('already');

  const { out } = await run('2026-04-02T00:00:00Z', 'list');
  expect(out).toBe(`\
NAME   ROLE      STATE    CREATED           EXPIRES
anna   operator  good     2026-01-01 00:00  -
board  viewer    expired  2026-01-02 00:00  2026-04-02 00:00
gone   viewer    revoked  2026-01-03 00:00  -
`);
  expect(out).not.toContain(anna.out.trim());
  const json: unknown = JSON.parse((await run('2026-04-01T00:00:00Z', 'list', '--json')).out);
  expect(json).toMatchObject([{ name: 'anna' }, { name: 'board', state: 'good' }, { state: 'revoked' }]);
  expect(JSON.stringify(json)).not.toContain('hash');
});

test.each([['--help'], ['create', '--help']])(
  'its help says whose folder it works in: %j',
  async (...words) => {
    expect((await run('2026-01-01T00:00:00Z', ...words)).out).toContain('--state-dir');
  },
);

test.each([
  [['create', 'anna'], '--role'],
  [['create', 'anna', '--role', 'root'], 'operator, viewer'],
  [['create', 'anna', '--role', 'viewer', '--expires', '90'], '12h, 90d, 52w'],
  [['create', 'anna', '--role', 'viewer', '--expires', '0d'], '12h, 90d, 52w'],
  [['create', 'a/b', '--role', 'viewer'], 'no name for a token'],
  [['revoke', 'nobody'], 'There is no token "nobody"'],
])('%j is refused: %s', async (words, part) => {
  expect(await run('2026-01-01T00:00:00Z', ...words)).toEqual({
    out: '',
    said: expect.stringContaining(part),
  });
});
