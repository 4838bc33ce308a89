/** What jobs hold: one job per server, and never two over one container, whatever servers it is listed in. */
export class Locks {
  readonly #servers = new Map<string, string>();
  readonly #containers = new Map<string, string>();

  /** The job that holds the server or one of the containers. */
  holder(server: string, containers: readonly string[]): string | undefined {
    const held = containers.map((container) => this.#containers.get(container));
    return this.#servers.get(server) ?? held.find((job) => job !== undefined);
  }

  take(job: string, server: string, containers: readonly string[]): void {
    this.#servers.set(server, job);
    for (const container of containers) this.#containers.set(container, job);
  }

  /** Takes more containers for a job, all or none; returns another job that has one of them. */
  claim(job: string, containers: readonly string[]): string | undefined {
    const held = containers.map((container) => this.#containers.get(container));
    const other = held.find((holder) => holder !== undefined && holder !== job);
    if (other === undefined) for (const container of containers) this.#containers.set(container, job);
    return other;
  }

  release(job: string): void {
    for (const held of [this.#servers, this.#containers]) {
      for (const [name, holder] of held) {
        if (holder === job) held.delete(name);
      }
    }
  }
}
