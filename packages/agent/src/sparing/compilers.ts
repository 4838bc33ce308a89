import { setFlagsFromString } from 'node:v8';

/** V8's, as its flags name them. What starts an installed agent turns them off (`launcherText`). */
export const COMPILERS = ['opt', 'maglev', 'sparkplug'];
const LOOK_MS = 5_000;
/** Of a core. */
const BUSY = 0.2;

/**
 * Turns V8's compilers on as soon as this process has been busy for some seconds: a build, a long log. What an agent does for
 * `towline status` is done as well without them, and with them it would have 2 to 8 MB more from then on. `lookMs` is how often
 * it is looked, in milliseconds.
 */
export function compileOnceBusy(lookMs = LOOK_MS): void {
  let before = process.cpuUsage();
  const looking = setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    if (user + system < BUSY * lookMs * 1000) return;
    clearInterval(looking);
    for (const name of COMPILERS) setFlagsFromString(`--${name}`);
  }, lookMs);
  looking.unref();
}
