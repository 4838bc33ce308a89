import { realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LONGEST_DIR } from '@towline/test/sandbox';

/** Where the demo's things are. */
export interface DemoPlace {
  /** The folder that all of it is in, or is named in. */
  folder: string;
  mapFile: string;
  /** The sandbox's folder; a link in `folder` leads there where it is elsewhere. */
  sandbox: string;
}

/** The programs, as `npx` would start them. */
export const TOWLINE = fileURLToPath(new URL('../../packages/tui/bin/towline.js', import.meta.url));
export const TOWLINE_AGENT = fileURLToPath(
  new URL('../../packages/agent/bin/towline-agent.js', import.meta.url),
);

/** `.demo` in the checkout. */
export function checkoutDemo(): DemoPlace {
  const checkout = realpathSync(fileURLToPath(new URL('../..', import.meta.url)));
  return demoPlace(join(checkout, '.demo'));
}

export function demoPlace(folder: string): DemoPlace {
  return { folder, mapFile: join(folder, 'towline.yaml'), sandbox: sandboxFolder(folder) };
}

/** A Unix socket's path is short, and an engine's mounts take no spaces, commas or colons. */
function sandboxFolder(folder: string): string {
  const inside = join(folder, 'sandbox');
  if (Buffer.byteLength(inside) <= LONGEST_DIR && /^[\w./-]+$/.test(inside)) return inside;
  const seen = folder.replace(/[^a-z0-9]/gi, '').slice(-12);
  return join(tmpdir(), `tl-demo-${seen}-${process.pid}`);
}
