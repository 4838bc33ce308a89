import { wasRunning } from './recovery.ts';
import type { SavedContainer } from './saved.ts';

/** What serves after a server was brought back: no more than is true of what there was before. */
export function restoredWords(saved: readonly SavedContainer[], touched: boolean): string {
  if (saved.length === 0) return 'Nothing was touched.';
  const before = saved.filter(({ old }) => old !== undefined);
  if (before.length === 0) {
    return 'There was no old version: what was created is removed, and nothing serves.';
  }
  const back = before.some(wasRunning)
    ? 'The old version serves again.'
    : 'The old version is back, stopped as it was.';
  const added = saved.filter(({ old }) => old === undefined).map(({ container }) => container);
  const gone =
    added.length === 0 ? '' : ` What was created for the first time is removed: ${added.join(', ')}.`;
  return `${touched ? back : 'The old version was not touched.'}${gone}`;
}
