/** Tells when an agent has had nothing to do for a while. */
export interface IdleWatch {
  /** To be called whenever something may have begun or ended. */
  look(): void;
  stop(): void;
}

/** Calls `onIdle` once, when `busy` was false for this many seconds on end. */
export function watchIdle(seconds: number, busy: () => boolean, onIdle: () => void): IdleWatch {
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  const look = () => {
    stop();
    if (!busy()) timer = setTimeout(() => (busy() ? look() : onIdle()), seconds * 1000);
  };
  look();
  return { look, stop };
}
