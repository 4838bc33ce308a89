import { join, resolve } from 'node:path';

/** What decides where the map file is. */
export interface MapFileSources {
  /** `--file`. */
  file?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  cwd: string;
  exists: (path: string) => boolean;
}

/**
 * The map file to use: `--file`, `$TOWLINE_FILE`, `./towline.yaml`, the one in `$XDG_CONFIG_HOME/towline/`. What is named
 * is used whether it is there or not; undefined where nothing is named and nothing is there.
 */
export function findMapFile({ file, env, home, cwd, exists }: MapFileSources): string | undefined {
  const named = file ?? (env.TOWLINE_FILE || undefined);
  if (named !== undefined) return resolve(cwd, named);
  const configHome = env.XDG_CONFIG_HOME || join(home, '.config');
  return [join(cwd, 'towline.yaml'), join(configHome, 'towline', 'towline.yaml')].find(exists);
}
