import { type FSWatcher, watch } from 'node:fs';
import { TOKEN_ENDED } from '@towline/core/protocol';
import { readTokens, type StoredToken, tokenState, tokensDir } from '../access/index.ts';
import type { ServerLog } from './agent-server.ts';
import type { TokenCaller } from './permissions.ts';

/** A token that ends by itself, or whose folder says nothing of its changes, is found out this much later at most. */
const LOOK_MS = 5_000;
/** As long one may take to say goodbye whose token has ended. */
const GOODBYE_MS = 2_000;

/** A WebSocket, as far as it is let go here. */
interface Client {
  close(code: number, reason: string): void;
  terminate(): void;
  once(event: 'close', listener: () => void): unknown;
}

/** Everybody who came with a token and is still here. Whose token ends is let go at once. */
export class TokenCallers {
  readonly #stateDir: string;
  readonly #log: ServerLog;
  readonly #callers = new Map<Client, TokenCaller>();
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #again = false;

  constructor(stateDir: string, log: ServerLog) {
    this.#stateDir = stateDir;
    this.#log = log;
  }

  get size(): number {
    return this.#callers.size;
  }

  /** How many have come with this token. */
  with(hash: string): number {
    return [...this.#callers.values()].filter((caller) => caller.hash === hash).length;
  }

  add(client: Client, caller: TokenCaller): void {
    this.#callers.set(client, caller);
    client.once('close', () => {
      this.#callers.delete(client);
      if (this.#callers.size === 0) this.#rest();
    });
    this.#timer ??= setInterval(() => void this.look(), LOOK_MS);
    this.#watcher ??= this.#watch();
    // It may have ended between when it was read and now.
    void this.look();
  }

  /** Lets those go whose token is good no more. A look that is asked for during one is another one after it. */
  look(): Promise<void> {
    if (this.#looking !== undefined) {
      this.#again = true;
      return this.#looking;
    }
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined;
      if (!this.#again) return;
      this.#again = false;
      void this.look();
    });
    return this.#looking;
  }

  close(): void {
    for (const client of this.#callers.keys()) client.terminate();
    this.#rest();
  }

  async #look(): Promise<void> {
    const { tokens, problems } = await readTokens(this.#stateDir);
    const now = Date.now();
    for (const [client, caller] of this.#callers) {
      const token = tokens.find(({ hash }) => hash === caller.hash);
      // What can't be read now says nothing of who is here already.
      if (caller.ended !== undefined || (token === undefined && problems.length > 0)) continue;
      const ended = endOf(token, now);
      if (ended === undefined) continue;
      caller.ended = ended;
      this.#log.info({ token: caller.name, ended }, 'a token ended, and its connection with it');
      client.close(TOKEN_ENDED, `token-${ended}`);
      const impatience = setTimeout(() => client.terminate(), GOODBYE_MS);
      client.once('close', () => clearTimeout(impatience));
    }
  }

  #watch(): FSWatcher | undefined {
    try {
      const watcher = watch(tokensDir(this.#stateDir), { persistent: false }, () => void this.look());
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      // A system that has no more watches to give: there is the look now and then.
      return undefined;
    }
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}

function endOf(token: StoredToken | undefined, now: number): TokenCaller['ended'] {
  if (token === undefined) return 'revoked';
  const state = tokenState(token, now);
  return state === 'good' ? undefined : state;
}
