import { readdir } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { ROLES, type Role } from '@towline/core/protocol';
import type { Result } from '@towline/core/result';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type StoredToken, TOKEN_NAME_WORDS, tokenNameSchema, tokenState } from './token.ts';
import { createToken, readTokens, revokeToken, tokensDir } from './token-store.ts';

export interface TokenCommandOptions {
  stateDir(): string;
  out(text: string): void;
  /** Says why it could not. */
  fail(message: string): void;
  now(): number;
}

/** `token create|list|revoke`: works on the state folder, whether the agent runs or not. */
export function addTokenCommands(program: Command, { stateDir, out, fail, now }: TokenCommandOptions): void {
  const dir = () => resolve(stateDir());
  const told = <T>(result: Result<T>, say: (value: T) => string) =>
    result.ok ? out(`${say(result.value)}\n`) : fail(result.error.message);
  const token = program
    .command('token')
    .description('who may come over the network (--listen): tokens with a name and a role')
    .addHelpText('after', OWN_FOLDER);
  token
    .command('create')
    .addHelpText('after', OWN_FOLDER)
    .description('make a token and print it, once: it is kept nowhere')
    .argument('<name>', 'whose it is; the jobs that it starts bear the name', tokenName)
    .addOption(
      new Option('--role <role>', 'an operator may do everything, a viewer changes nothing')
        .choices(ROLES)
        .makeOptionMandatory(),
    )
    .option('--expires <time>', 'when it ends by itself: 12h, 90d or 52w from now', lifetime)
    .action(async (name: string, { role, expires }: { role: Role; expires?: number }, create: Command) => {
      const at = now();
      const expiresAt = expires === undefined ? undefined : at + expires;
      const made = await createToken(dir(), { name, role, expiresAt }, at);
      told(made, (text) => text);
      // Not with the token, which goes to a file or a pipe.
      if (made.ok) create.configureOutput().writeErr?.(await whoseItIs(dir()));
    });
  token
    .command('list')
    .description('all tokens: name, role, state, when they were made and when they end')
    .option('--json', 'as one JSON document')
    .action(async ({ json = false }: { json?: boolean }) => {
      const { tokens, problems } = await readTokens(dir());
      for (const problem of problems) fail(problem);
      out(
        json ? `${JSON.stringify(tokens.map((each) => shown(each, now())))}\n` : table(tokens, now(), dir()),
      );
    });
  token
    .command('revoke')
    .description('end a token, and the connections that came with it')
    .argument('<name>', 'as `token list` has it', tokenName)
    .action(async (name: string) => {
      told(await revokeToken(dir(), name, now()), (wasGood) =>
        wasGood ? `"${name}" is revoked.` : `"${name}" was revoked already.`,
      );
    });
}

const OWN_FOLDER = `
Tokens are an agent's that has the same --state-dir: give it with these as well, where the agent's is not the
default. It is /var/lib/towline where root had it put there by \`towline agent install\`.`;

/** A token in a folder that is no agent's lets nobody in, and nothing else says so. */
async function whoseItIs(stateDir: string): Promise<string> {
  const entries = await readdir(stateDir).catch(() => []);
  const used = entries.some((entry) => entry !== basename(tokensDir(stateDir)));
  return used
    ? `It is for the agent with the state folder ${stateDir}.\n`
    : `It is for an agent with the state folder ${stateDir}, and none has run with that one yet. One that runs with another does not know it: --state-dir DIR names its own.\n`;
}

function shown(token: StoredToken, now: number) {
  const { name, role, createdAt, expiresAt, revokedAt } = token;
  return { name, role, state: tokenState(token, now), createdAt, expiresAt, revokedAt };
}

function table(tokens: readonly StoredToken[], now: number, stateDir: string): string {
  if (tokens.length === 0) {
    return `There is no token in ${stateDir}. Make one: towline-agent token create NAME --role operator --state-dir ${stateDir}\n`;
  }
  const day = (time: string | undefined) => time?.slice(0, 16).replace('T', ' ') ?? '-';
  const rows = tokens
    .map((token) => shown(token, now))
    .map(({ name, role, state, createdAt, expiresAt }) => [
      name,
      role,
      state,
      day(createdAt),
      day(expiresAt),
    ]);
  const all = [['NAME', 'ROLE', 'STATE', 'CREATED', 'EXPIRES'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

const HOUR_MS = 3_600_000;
const UNITS: Readonly<Record<string, number>> = { h: HOUR_MS, d: 24 * HOUR_MS, w: 7 * 24 * HOUR_MS };

function tokenName(text: string): string {
  if (tokenNameSchema.safeParse(text).success) return text;
  throw new InvalidArgumentError(`It is no name for a token: ${TOKEN_NAME_WORDS}.`);
}

/** In milliseconds. */
function lifetime(text: string): number {
  const [, amount, unit = ''] = /^([1-9]\d{0,4})([hdw])$/.exec(text) ?? [];
  if (amount === undefined)
    throw new InvalidArgumentError('It is a whole number of hours, days or weeks: 12h, 90d, 52w.');
  return Number(amount) * (UNITS[unit] ?? 0);
}
