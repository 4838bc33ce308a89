import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createToken } from '@towline/agent/access';
import {
  certificateAuthority,
  type RunningAgentProcess,
  residentBytes,
  sharedSandbox,
  startAgent,
} from '@towline/test/sandbox';
import type { AgentLink } from '@towline/tui/link';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { openLink } from '../../bench/open-link.ts';
import {
  brokenFrames,
  floodOfStrangers,
  halfFrames,
  malformedMessages,
  slowReaders,
  type Target,
  untakenAnswers,
} from './attacks.ts';

/** How many malformed messages and frames there are in all; `TOWLINE_HOSTILE=100000` is the long run. */
const FRAMES = Number(process.env.TOWLINE_HOSTILE ?? '2000');
const MB = 1024 * 1024;

const { hosts } = await sharedSandbox();
let dir: string;
let agent: RunningAgentProcess;
let ways: { unix: Target; token: Target; stranger: Target };
let honest: AgentLink;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-h-'));
  const authority = await certificateAuthority(dir);
  const { cert, key } = await authority.issue('agent', ['127.0.0.1']);
  const token = await createToken(join(dir, 'a', 'state'), { name: 'mallory', role: 'operator' }, Date.now());
  if (!token.ok) throw new Error(token.error.message);
  const listen = ['--listen', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', key];
  agent = await startAgent({ host: hosts.a, dir: join(dir, 'a'), args: listen });
  const ca = await readFile(authority.cert, 'utf8');
  const port = await agent.networkPort();
  ways = {
    unix: { kind: 'unix', path: agent.socket },
    token: { kind: 'tls', port, ca, token: token.value },
    stranger: { kind: 'tls', port, ca, from: Array.from({ length: 40 }, (_, at) => `127.0.9.${at + 1}`) },
  };
  honest = await openLink(agent.socket);
});
afterAll(async () => {
  await honest?.close();
  await agent?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** The most that the agent has while it is done, in bytes above what it had before; an honest operator asks on all the while. */
async function under(attack: () => Promise<unknown>): Promise<{ grew: number; asked: number }> {
  const before = await residentBytes(agent.pid);
  let most = before;
  let asked = 0;
  let over = false;
  const watching = (async () => {
    while (!over) {
      const answer = await honest.call((client) => client.jobs.query({}), z.array(z.unknown()));
      expect(answer).toMatchObject({ ok: true });
      asked += 1;
      most = Math.max(most, await residentBytes(agent.pid));
    }
  })();
  try {
    await attack();
  } finally {
    over = true;
    await watching;
  }
  return { grew: most - before, asked };
}

test('messages and frames that are none of the protocol: each is answered or ends its connection, and the rest goes on', {
  timeout: 300_000,
}, async () => {
  await malformedMessages(ways.unix, 1_000);
  for (const way of [ways.unix, ways.token]) {
    const { grew, asked } = await under(async () => {
      expect(await malformedMessages(way, FRAMES * 0.45)).toBe(FRAMES * 0.45);
      expect(await brokenFrames(way, FRAMES * 0.05)).toBe(FRAMES * 0.05);
    });
    expect(asked).toBeGreaterThan(0);
    // 600,000 of them end at some 230: what is swept up grows no further.
    expect(grew / MB).toBeLessThan(250);
  }
  // Nor is the disk filled with what was said about it.
  const said = (await agent.output())
    .split('\n')
    .filter((line) => line.includes('what is not of the protocol'));
  expect(said.length).toBeLessThan(200);
});

test('halves of large frames, held, and readers that take nothing: so much is kept of them and no more', async () => {
  for (const way of [ways.unix, ways.token]) {
    const { grew } = await under(async () => {
      const letGo = [await halfFrames(way, 25), await slowReaders(way, 20)];
      await malformedMessages(way, 1_000, 1);
      for (const end of letGo) end();
    });
    expect(grew / MB).toBeLessThan(80);
  }
});

test('questions whose answers nobody takes: they wait where they come from', async () => {
  for (const way of [ways.unix, ways.token]) {
    const { grew } = await under(async () => {
      const letGo = await untakenAnswers(way, 100_000);
      await malformedMessages(way, 3_000, 1);
      letGo();
    });
    // More than 200 where they are all answered, and without an end.
    expect(grew / MB).toBeLessThan(150);
  }
});

test('a flood of strangers keeps nobody out', async () => {
  const { grew } = await under(async () => {
    const flood = floodOfStrangers(ways.stranger, 1_000);
    // One who comes in the middle of it.
    expect(await malformedMessages(ways.token, 100, 1)).toBe(100);
    await flood;
  });
  expect(grew / MB).toBeLessThan(60);
  const link = await openLink(agent.socket);
  await link.close();
});
