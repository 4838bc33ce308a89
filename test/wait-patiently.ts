import { vi } from 'vitest';
import { PATIENCE_MS } from './patience.ts';

// `expect.poll` has its own from the configuration; for these two vitest has no setting.
const { waitFor, waitUntil } = vi;

function patient<Options extends object>(options: number | Options = PATIENCE_MS): number | Options {
  return typeof options === 'number' ? options : { timeout: PATIENCE_MS, ...options };
}

vi.waitFor = (callback, options) => waitFor(callback, patient(options));
vi.waitUntil = (callback, options) => waitUntil(callback, patient(options));
