import { dirname } from 'node:path/posix';
import { err, ok, type Result } from '@towline/core/result';
import { shellWord } from '../link/index.ts';
import type { Machine } from './machine.ts';
import { type Place, placeOn, UNIT_NAME } from './place.ts';
import { isOwn, stopByHand } from './plan-install.ts';
import type { Step } from './step.ts';

/** What takes an agent off a machine; no steps where there is none. */
export interface UninstallPlan {
  place: Place;
  steps: readonly Step[];
  notes: readonly string[];
  /** Whether an agent of the installation runs there. */
  running: boolean;
}

/** Everything goes, the history unless it is to be kept. Errors: `other-agent` where that is one's that runs and was not installed. */
export function planUninstall(
  machine: Machine,
  { keepHistory }: { keepHistory: boolean },
  name: string,
): Result<UninstallPlan> {
  const place = placeOn(machine);
  const { prefix, stateDir, socket, unit, systemctl } = place;
  const { agent } = machine;
  const edits = `${unit}.d`;
  const edited = machine.unitEdits !== undefined;
  const running = agent !== undefined && isOwn(agent.command, place);
  if (agent !== undefined && !running && !keepHistory) {
    const message = `${name}: an agent that was started otherwise has ${stateDir} (process ${agent.pid}: ${agent.command}). End it (kill ${agent.pid}); then run this again. Or say --keep-history.`;
    return err({ code: 'other-agent', message });
  }
  const installed =
    machine.current !== undefined || machine.unit !== undefined || machine.versions.length > 0 || running;
  const forgets = !keepHistory && (machine.history || edited);
  const stays = [
    ...(machine.history && keepHistory ? [`The history stays in ${stateDir}.`] : []),
    ...(edited && keepHistory ? [`What \`systemctl edit\` wrote stays in ${edits}.`] : []),
  ];
  const lost =
    machine.history && !keepHistory
      ? [
          `With ${stateDir} goes what a rollback or a restore would go by, and builds with their secrets; --keep-history leaves it.`,
        ]
      : [];
  const lingers =
    place.scope === 'user' && machine.lingers
      ? [
          `What ${machine.user} runs goes on after logging out, as before; there, \`loginctl disable-linger\` ends that.`,
        ]
      : [];
  if (!installed && !forgets) return ok({ place, steps: [], notes: stays, running });
  const q = shellWord;
  const folder = socket.slice(0, socket.lastIndexOf('/'));
  const steps: Step[] = [];
  const step = (name: string, command: string) => steps.push({ kind: 'run', name, command });
  if (machine.unit !== undefined && machine.systemd) {
    step('stop it, and start it no more', `${systemctl} disable --now ${UNIT_NAME}`);
  }
  if (running) step('see that it has ended', stopByHand(place));
  if (machine.unit !== undefined || (forgets && edited)) {
    const files = forgets && edited ? `-rf ${q(unit)} ${q(edits)}` : `-f ${q(unit)}`;
    step('remove its unit', `rm ${files}`);
    if (machine.systemd) {
      step(
        'have systemd forget it',
        `${systemctl} daemon-reload && { ${systemctl} reset-failed ${UNIT_NAME} 2>/dev/null || :; }`,
      );
    }
  }
  const remains = [prefix, unit];
  if (installed) {
    step('remove the programs', `rm -rf ${q(prefix)}`);
    if (agent === undefined || running) {
      step('remove its socket', `rm -f ${q(socket)} && { rmdir ${q(folder)} 2>/dev/null || :; }`);
      remains.push(socket);
    }
  }
  if (forgets) {
    // A user's is in a folder of the product's name.
    const above = place.scope === 'user' ? ` && { rmdir ${q(dirname(stateDir))} 2>/dev/null || :; }` : '';
    step('remove the history', `rm -rf ${q(stateDir)}${above}`);
    remains.push(stateDir);
  }
  step('see that nothing is left', remains.map((path) => `[ ! -e ${q(path)} ]`).join(' && '));
  return ok({
    place,
    steps,
    running,
    notes: [...stays, ...lost, ...lingers, 'Containers, images and volumes stay as they are.'],
  });
}
