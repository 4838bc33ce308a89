import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { executeOutputSchema } from '@towline/core/answers';
import type { ExecuteInput } from '@towline/core/protocol';
import type { Host } from '@towline/test/sandbox';
import { type AgentLink, jobEvents } from '@towline/tui/link';
import { type EngineHttp, now } from './engine-http.ts';

/** One replacement of a container by another of the other tag. All times are in milliseconds. */
export interface Replacement {
  /** From the call to the end of the whole. */
  wall: number;
  /** New started less old finished, by the engine's own times. */
  gap: number;
  /** Parts of it that are worth a look, by name. */
  parts: Readonly<Record<string, number>>;
}

/** A way to replace a container. Each has a container of its own, and alternates between two tags. */
export interface Way {
  /** Where its page is, on the host's loopback. */
  port: number;
  /** Runs its container for the first time. */
  prepare(): Promise<void>;
  replace(): Promise<Replacement>;
}

export interface Place {
  host: Host;
  engine: EngineHttp;
  /** The image's name, without a tag. */
  image: string;
  tags: readonly [string, string];
}

/** The words of `docker run`. Nearly every container that anybody misses for a moment publishes a port. */
function published(name: string, port: number): string[] {
  return ['-d', '--name', name, '-p', `127.0.0.1:${port}:8080`];
}

/** Goes round and round through the tags. */
function alternate(tags: readonly [string, string]): () => string {
  let turn = 0;
  return () => (turn++ % 2 === 0 ? tags[0] : tags[1]);
}

/** By an agent, through its socket, by the client that the dashboard uses. */
export function byAgent({ host, engine, image, tags }: Place, link: AgentLink): Way {
  const name = 'bench-agent';
  const port = 8101;
  const next = alternate(tags);
  return {
    port,
    async prepare() {
      await host.docker('run', ...published(name, port), `${image}:${next()}`);
    },
    async replace() {
      const before = await engine.see(name);
      const tag = next();
      const began = now();
      const input: ExecuteInput = {
        key: randomUUID(),
        service: 'bench',
        map: 'bench',
        server: name,
        operator: 'bench',
        containers: [{ name, image, kind: 'common', settle: 0 }],
        choices: [{ container: name, choice: { mode: 'image-tag', tag } }],
      };
      const begun = await link.insist(
        (client) => client.execute.mutate(input),
        executeOutputSchema,
        'The benchmark does not know whether its job was begun.',
      );
      if (!begun.ok) throw new Error(begun.error.message);
      let ended: string | undefined;
      const parts: Record<string, number> = { 'call to queued': now() - began };
      const starts = new Map<string, number>();
      for await (const event of link.follow(jobEvents(begun.value.jobId), new AbortController().signal)) {
        if (event.type === 'step-started') starts.set(event.step, Date.parse(event.at));
        if (event.type === 'step-ended') {
          const started = starts.get(event.step) ?? 0;
          parts[event.step.split(':')[0] ?? ''] = Date.parse(event.at) - started;
        }
        if (event.type === 'failed') throw new Error(event.error.message);
        if (event.type === 'ended') ended = event.state;
      }
      const wall = now() - began;
      if (ended !== 'DONE') throw new Error(`The job ended ${ended}.`);
      const [old, fresh] = await Promise.all([engine.see(before.id), engine.see(name)]);
      parts['call to old finished'] = old.finishedAt - began;
      parts['new started to end'] = began + wall - fresh.startedAt;
      await settled(engine, name);
      return { wall, gap: fresh.startedAt - old.finishedAt, parts };
    },
  };
}

/** What the agent clears away after a job must not be in the next measurement. */
async function settled(engine: EngineHttp, name: string): Promise<void> {
  while ((await engine.named(`${name}.prev.`)).length > 1) await sleep(20);
}

/** The same sequence by the engine's API, with nothing looked at, written down or checked. */
export function byApi({ host, engine, image, tags }: Place): Way {
  const name = 'bench-api';
  const port = 8102;
  const next = alternate(tags);
  let kept: string | undefined;
  return {
    port,
    async prepare() {
      await host.docker('run', ...published(name, port), `${image}:${next()}`);
    },
    async replace() {
      const before = await engine.see(name);
      const tag = next();
      const began = now();
      const id = await engine.create(`${name}.next`, {
        Image: `${image}:${tag}`,
        ExposedPorts: { '8080/tcp': {} },
        HostConfig: { PortBindings: { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] } },
      });
      const created = now();
      await engine.stop(before.id);
      const stopped = now();
      await engine.start(id);
      const started = now();
      await engine.rename(before.id, `${name}.prev`);
      await engine.rename(id, name);
      const wall = now() - began;
      const [old, fresh] = await Promise.all([engine.see(before.id), engine.see(id)]);
      // One old container is kept, as an agent keeps it.
      if (kept !== undefined) await engine.remove(kept);
      kept = before.id;
      await engine.rename(before.id, `${name}.kept`);
      return {
        wall,
        gap: fresh.startedAt - old.finishedAt,
        parts: {
          create: created - began,
          stop: stopped - created,
          start: started - stopped,
          rename: began + wall - started,
          // What the engine itself takes between the two, whoever asks.
          'old finished to stop answered': stopped - old.finishedAt,
          'start asked to new started': fresh.startedAt - stopped,
        },
      };
    },
  };
}

/** `docker stop; docker rm; docker run`, as a person or a script does it. */
export function byCommand({ host, engine, image, tags }: Place): Way {
  const name = 'bench-command';
  const port = 8103;
  const next = alternate(tags);
  return {
    port,
    async prepare() {
      await host.docker('run', ...published(name, port), `${image}:${next()}`);
    },
    async replace() {
      const tag = next();
      const before = await engine.see(name);
      // It is gone before it could be inspected: its end comes from the engine's events.
      const died = Promise.withResolvers<number>();
      const endEvents = await engine.events(({ action, id, time }) => {
        if (action === 'die' && id === before.id) died.resolve(time);
      });
      const began = now();
      await host.docker('stop', name);
      await host.docker('rm', name);
      await host.docker('run', ...published(name, port), `${image}:${tag}`);
      const wall = now() - began;
      const finishedAt = await died.promise;
      endEvents();
      const fresh = await engine.see(name);
      return { wall, gap: fresh.startedAt - finishedAt, parts: {} };
    },
  };
}
