import { createStore, type StoreApi } from 'zustand/vanilla';

/** A store whose listeners hear of many changes as few. */
export interface PacedStore<T> {
  store: StoreApi<T>;
  /** The state with all that was told to it, ahead of the store's by one pace at most. */
  latest(): T;
  /** A change that gives the same state back is none. */
  update(change: (state: T) => T): void;
  /** Brings the store up to date now. */
  flush(): void;
}

/** Tells the first change after a quiet time at once, and then no more often than `everyMs`. */
export function createPacedStore<T>(initial: T, everyMs: number): PacedStore<T> {
  const store = createStore<T>()(() => initial);
  let latest = initial;
  let toldAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (store.getState() === latest) return;
    toldAt = performance.now();
    store.setState(latest, true);
  };
  return {
    store,
    latest: () => latest,
    update(change) {
      const next = change(latest);
      if (next === latest) return;
      latest = next;
      if (timer !== undefined) return;
      const wait = toldAt + everyMs - performance.now();
      if (wait <= 0) flush();
      // Who waits for nothing but this has nothing left to do.
      else timer = setTimeout(flush, wait).unref();
    },
    flush,
  };
}
