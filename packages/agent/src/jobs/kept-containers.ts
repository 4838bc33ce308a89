import { type KeptContainer, previousName } from '../replace/index.ts';

interface Kept {
  id: string;
  /** The name that it was kept under. */
  name: string;
  job: string;
}

/** Old containers that are kept, stopped, by the name of the container that took their place. */
export class KeptContainers {
  readonly #byContainer = new Map<string, Kept[]>();

  /** What a job's journal says; in the order of the jobs. */
  add(job: string, said: { kept: readonly KeptContainer[]; removed: readonly KeptContainer[] }): void {
    for (const { container, id } of said.kept) {
      const name = previousName(container, job);
      this.#byContainer.set(container, [...(this.#byContainer.get(container) ?? []), { id, name, job }]);
    }
    for (const { container, id } of said.removed) this.forget(container, id);
  }

  /** Takes in what a job keeps; returns what was kept in their places before. */
  replace(job: string, kept: readonly KeptContainer[]): { container: string; previous: readonly Kept[] }[] {
    const before = kept.map(({ container }) => ({
      container,
      previous: (this.#byContainer.get(container) ?? []).filter((each) => each.job !== job),
    }));
    for (const { container, id } of kept) this.forget(container, id);
    this.add(job, { kept, removed: [] });
    return before;
  }

  all(): readonly (Kept & { container: string })[] {
    return [...this.#byContainer].flatMap(([container, kept]) =>
      kept.map((each) => ({ ...each, container })),
    );
  }

  /** The ids of what is kept of a container, the newest first. */
  of(container: string): string[] {
    return (this.#byContainer.get(container) ?? []).map(({ id }) => id).reverse();
  }

  forget(container: string, id: string): void {
    const left = (this.#byContainer.get(container) ?? []).filter((each) => each.id !== id);
    if (left.length === 0) this.#byContainer.delete(container);
    else this.#byContainer.set(container, left);
  }

  /** Whether a container is one of them, and still under the name that it was kept under: a person may have taken it. */
  has(id: string, name: string): boolean {
    return [...this.#byContainer.values()].flat().some((kept) => kept.id === id && kept.name === name);
  }

  refersTo(job: string): boolean {
    return [...this.#byContainer.values()].some((each) => each.some((kept) => kept.job === job));
  }
}
