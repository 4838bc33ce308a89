/** After Ctrl-C: as a shell has it for a program that was interrupted. */
export const INTERRUPTED = 130;

/** Does work that the first Ctrl-C turns away from, instead of ending the program; the second ends it. */
export async function interruptible<T>(work: (leave: AbortSignal) => Promise<T>): Promise<T> {
  const leave = new AbortController();
  const onInterrupt = () => leave.abort();
  process.once('SIGINT', onInterrupt);
  try {
    return await work(leave.signal);
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}
