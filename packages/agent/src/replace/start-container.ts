import { type ContainerInspect, type Engine, EngineError } from '../engine/index.ts';

/**
 * The engine refuses a port that no container has: it keeps it for one that is gone, and only its own next start frees it.
 * Seen on Docker 20.10.24 whose dockerd was killed in the moment in which a container with a published port and two networks
 * ended (moby/libnetwork issue 1790, moby/moby issue 20486).
 */
export class PortKept extends EngineError {
  constructor({ code, message, statusCode }: EngineError, port: number) {
    super(
      code,
      `${message}. No container has port ${port}: the engine keeps it for one that is gone, and frees it when it is started again.`,
      statusCode,
    );
    this.name = 'PortKept';
  }
}

/** Starts it. Rejects with `EngineError`; where a port is taken it says whose it is. */
export async function startContainer(engine: Engine, id: string): Promise<void> {
  try {
    await engine.startContainer(id);
  } catch (error) {
    const port = error instanceof EngineError ? refusedPort(error.message) : undefined;
    if (!(error instanceof EngineError) || port === undefined) throw error;
    const owner = ownerOf(port, await engine.inspectContainers());
    if (owner === undefined) throw new PortKept(error, port);
    throw new EngineError(error.code, `${error.message}. ${owner} has port ${port}.`, error.statusCode);
  }
}

/** The host's port that an engine says is taken. */
export function refusedPort(message: string): number | undefined {
  const found = /:(\d+) failed: port is already allocated/.exec(message)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The container that runs and publishes on this port of the host, on whatever address. */
export function ownerOf(port: number, containers: readonly ContainerInspect[]): string | undefined {
  const owner = containers.find(({ NetworkSettings }) =>
    Object.values(NetworkSettings?.Ports ?? {})
      .flatMap((bindings) => bindings ?? [])
      .some(({ HostPort }) => Number(HostPort) === port),
  );
  return owner?.Name.replace(/^\//, '');
}
