import { Agent, request } from 'node:http';

/** A container as the measures look at it. Times in milliseconds since 1970, as exactly as the engine has them. */
export interface Seen {
  id: string;
  startedAt: number;
  finishedAt: number;
}

export interface EngineEvent {
  action: string;
  /** The container's. */
  id: string;
  /** When it happened. */
  time: number;
}

/** The engine's API and nothing else: what a replacement is measured against. */
export class EngineHttp {
  readonly #socketPath: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** The answer's body, parsed where there is one. Throws with the engine's words where it refuses. */
  ask(method: string, path: string, body?: object): Promise<unknown> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asking = request(
        {
          socketPath: this.#socketPath,
          agent: this.#agent,
          method,
          path,
          headers:
            text === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            const said = Buffer.concat(chunks).toString();
            const status = answer.statusCode ?? 0;
            if (status >= 400) reject(new Error(`${method} ${path}: ${status} ${said.trim()}`));
            else resolve(said === '' ? undefined : JSON.parse(said));
          });
        },
      );
      asking.on('error', reject);
      asking.end(text);
    });
  }

  async create(name: string, request: object): Promise<string> {
    const created = await this.ask('POST', `/containers/create?name=${name}`, request);
    return field(created, 'Id');
  }

  start(id: string): Promise<unknown> {
    return this.ask('POST', `/containers/${id}/start`);
  }

  stop(id: string): Promise<unknown> {
    return this.ask('POST', `/containers/${id}/stop`);
  }

  rename(id: string, name: string): Promise<unknown> {
    return this.ask('POST', `/containers/${id}/rename?name=${name}`);
  }

  remove(id: string): Promise<unknown> {
    return this.ask('DELETE', `/containers/${id}?force=1&v=1`);
  }

  async see(nameOrId: string): Promise<Seen> {
    const found = await this.ask('GET', `/containers/${nameOrId}/json`);
    const state = typeof found === 'object' && found !== null && 'State' in found ? found.State : undefined;
    return {
      id: field(found, 'Id'),
      startedAt: milliseconds(field(state, 'StartedAt')),
      finishedAt: milliseconds(field(state, 'FinishedAt')),
    };
  }

  /** The ids of all containers whose names begin so. */
  async named(prefix: string): Promise<string[]> {
    const filters = encodeURIComponent(JSON.stringify({ name: [`^/${prefix}`] }));
    const found = await this.ask('GET', `/containers/json?all=1&filters=${filters}`);
    return Array.isArray(found) ? found.map((container) => field(container, 'Id')) : [];
  }

  /** Calls for each event as soon as the engine tells of it; returns what ends it, once it listens. */
  events(onEvent: (event: EngineEvent) => void): Promise<() => void> {
    const filters = encodeURIComponent(JSON.stringify({ type: ['container'] }));
    return new Promise((resolve, reject) => {
      const asking = request(
        { socketPath: this.#socketPath, path: `/events?filters=${filters}` },
        (answer) => {
          let rest = '';
          answer.setEncoding('utf8');
          answer.on('error', () => {});
          answer.on('data', (chunk: string) => {
            const lines = (rest + chunk).split('\n');
            rest = lines.pop() ?? '';
            for (const line of lines) {
              const event: unknown = JSON.parse(line);
              const time = Number(Reflect.get(Object(event), 'timeNano')) / 1_000_000;
              onEvent({ action: field(event, 'Action'), id: field(event, 'id'), time });
            }
          });
          resolve(() => void asking.destroy());
        },
      );
      asking.on('error', reject);
      asking.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Now, in milliseconds since 1970 with parts of them: on one machine to be compared with the engine's times. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

function field(value: unknown, name: string): string {
  const found = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  if (typeof found !== 'string') throw new Error(`The engine's answer has no "${name}".`);
  return found;
}

/** `Date` stops at milliseconds; the engine has nanoseconds. */
function milliseconds(time: string): number {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? '0';
  const whole = Date.parse(time.replace(/\.\d+/, ''));
  return whole + Number(`0.${fraction}`) * 1000;
}
