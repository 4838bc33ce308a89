import process from 'node:process';
import type { Fleet } from '../fleet/index.ts';
import { allMaps } from './maps/index.ts';

export interface DashboardOptions {
  fleet: Fleet;
  /** Which service and application map to show; not needed where there is one. */
  service?: string | undefined;
  map?: string | undefined;
  noColor: boolean;
}

/**
 * The dashboard, until the operator leaves it. Both standard input and output have to be terminals. Returns the exit
 * code; throws what was thrown inside, after the terminal is as it was.
 */
export async function openDashboard({ fleet, service, map, noColor }: DashboardOptions): Promise<number> {
  // Ink's colours are decided when it is loaded, so this comes before the import.
  if (noColor || (process.env.NO_COLOR ?? '') !== '') process.env.FORCE_COLOR = '0';
  const { runDashboard } = await import('./dashboard/run-dashboard.tsx');
  // A map file says at once what there is; the local engine's own map has to be asked for first.
  if (fleet.store.getState().services.length === 0) await fleet.settled();
  const maps = allMaps(fleet.store.getState()).filter(
    (choice) =>
      (service === undefined || choice.service === service) && (map === undefined || choice.map === map),
  );
  const [only, ...others] = maps;
  return runDashboard(fleet, only !== undefined && others.length === 0 ? only : undefined);
}
