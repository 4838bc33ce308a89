import type { Pipeline } from '@towline/core/plan';
import type { FleetState } from '../fleet/index.ts';

export interface Size {
  columns: number;
  rows: number;
}

/** What a screen is given beside its own state: what was last seen of the world. Never changed, replaced. */
export interface World {
  /** Milliseconds since 1970, as of the last message: pure code has no clock. */
  now: number;
  size: Size;
  fleet: FleetState;
  /** Where the map comes from, for titles. */
  origin: string;
  readOnly: boolean;
  operator: string;
  /** The map that was picked, as observed; undefined while none is. */
  pipeline: Pipeline | undefined;
}
