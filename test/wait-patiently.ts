import { vi } from 'vitest';
import { PATIENCE_MS } from './patience.ts';

// `expect.poll` has its own from the configuration; for this one vitest has no setting.
const { waitFor } = vi;
vi.waitFor = (callback, options = {}) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout: PATIENCE_MS, ...options });
