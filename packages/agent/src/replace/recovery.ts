import { inDependencyOrder } from '@towline/core/map';
import { err, ok, type Result } from '@towline/core/result';
import type { RestartPolicy } from '../engine/index.ts';
import { endpointAsCreated } from './derive-create.ts';
import { type JsonObject, object, text, texts } from './json.ts';
import type { SavedContainer } from './saved.ts';

/** A container of the job as the engine has it now. */
export interface SeenContainer {
  id: string;
  name: string;
  running: boolean;
  /** It has ended, and its engine is about to start it again. Until it is stopped an engine may refuse to rename it. */
  restarting?: true;
  restartPolicy: RestartPolicy;
  /** The names of the networks that it is attached to. */
  networks: readonly string[];
  /** By network, the names that it is found by there. */
  aliases?: Readonly<Record<string, readonly string[]>>;
}

export interface Seen {
  /** The one that served before, by its id. */
  old?: SeenContainer | undefined;
  /** The one that this job created, by its label. */
  next?: SeenContainer | undefined;
  /** The id of whatever has the container's name. */
  holder?: string | undefined;
}

export interface SavedAndSeen {
  saved: SavedContainer;
  seen: Seen;
  /** The old one was asked to stop and was not seen to: it may run now and end in the next moment. */
  stopPending?: boolean;
}

/**
 * What becomes of a job that was interrupted. `finish`: it was committed, at most names are left to put right. `gate`:
 * every new container runs in the place of its old one, so the gate decides. `restore`: anything else.
 */
export type Recovery = 'finish' | 'gate' | 'restore';

export function decideRecovery(containers: readonly SavedAndSeen[], committed: boolean): Recovery {
  if (committed) return containers.some(lostNew) ? 'restore' : 'finish';
  const exchanged = containers.every(({ saved, seen }) => {
    if (seen.next === undefined || (saved.becomes === 'checked' && !seen.next.running)) return false;
    // A new container whose old one is gone can only go forward.
    return saved.old === undefined || seen.old === undefined || !seen.old.running;
  });
  return containers.length > 0 && exchanged ? 'gate' : 'restore';
}

/**
 * Its new container is gone, and the old one is still there. Where that is committed a person removed the new one; or it was
 * restored, by an agent whose disk said of the commit that it could not be written, and has it all the same.
 */
function lostNew({ seen }: SavedAndSeen): boolean {
  return seen.next === undefined && seen.old !== undefined;
}

/** One thing to do to the engine. */
export type Action =
  | { do: 'remove'; id: string }
  | { do: 'rename'; id: string; to: string }
  | { do: 'disconnect'; id: string; network: string }
  | { do: 'connect'; id: string; network: string; endpoint: JsonObject }
  | { do: 'set-restart'; id: string; policy: RestartPolicy }
  /** Waits for the stop that was asked for before; whether it ends well is not asked. */
  | { do: 'await-stop'; id: string }
  | { do: 'stop'; id: string }
  /** Starts it, and watches it through the gate where it was well before. */
  | { do: 'start'; id: string; gate: boolean };

/**
 * What brings the old container back: the new one away, the old one's name, networks and restart policy as they were,
 * and running if it ran. Nothing for what is as it was. Errors: `old-gone` (nothing to restore; a new one that is there
 * is left alone, for it may serve), `name-taken`.
 */
export function restoreActions({ saved, seen, stopPending = false }: SavedAndSeen): Result<Action[]> {
  const { container } = saved;
  const remove: Action[] = seen.next === undefined ? [] : [{ do: 'remove', id: seen.next.id }];
  if (saved.old === undefined) return ok(remove);
  const { old } = seen;
  if (isTaken(seen)) {
    return err({
      code: 'name-taken',
      message: `Another container has taken the name ${container} meanwhile, and is left alone.`,
    });
  }
  if (old === undefined) {
    return err({
      code: 'old-gone',
      message: `The container that ${container} was before is not there any more, so it can't be started again.`,
    });
  }
  const actions = remove;
  if (old.name !== container) actions.push({ do: 'rename', id: old.id, to: container });
  const { inspect } = saved.old;
  const networks = object(object(inspect.NetworkSettings).Networks);
  for (const [network, settings] of Object.entries(networks)) {
    const endpoint = endpointAsCreated(object(settings), old.id.slice(0, 12));
    if (old.networks.includes(network)) {
      if (!isNameless(old, network, endpoint)) continue;
      actions.push({ do: 'disconnect', id: old.id, network });
    }
    actions.push({ do: 'connect', id: old.id, network, endpoint });
  }
  const policy = savedPolicy(saved);
  if (policy !== undefined && !samePolicy(policy, old.restartPolicy)) {
    actions.push({ do: 'set-restart', id: old.id, policy });
  }
  if (wasRunning(saved) && old.running && stopPending) actions.push({ do: 'await-stop', id: old.id });
  if (wasRunning(saved) && (!old.running || stopPending)) {
    actions.push({ do: 'start', id: old.id, gate: ranWell(inspect) });
  }
  return ok(actions);
}

/**
 * The new one out of the old one's way, so that it can come back if the old one does not start: stopped, with its name
 * and all that both may hold (ports, addresses, volumes) free.
 */
export function asideActions({ saved, seen: { next } }: SavedAndSeen): Action[] {
  if (next === undefined) return [];
  return [
    ...(holdsRestart(next.restartPolicy)
      ? []
      : [{ do: 'set-restart', id: next.id, policy: NO_RESTART } as const]),
    ...(isUp(next) ? [{ do: 'stop', id: next.id } as const] : []),
    ...(next.name === saved.container ? [{ do: 'rename', id: next.id, to: saved.nextName } as const] : []),
  ];
}

/**
 * The new one as it was again, after an old one that did not start: `after` is what is there then. Where an attempt that was
 * cut off had set it aside it is started as well, for nothing else serves. The names come last: it serves without them.
 */
export function putBackActions({ saved, seen: before }: SavedAndSeen, after: Seen): Action[] {
  const { old, next } = after;
  if (next === undefined || before.next === undefined) return [];
  const policy = savedPolicy(saved);
  const actions: Action[] = [];
  if (old !== undefined && isUp(old)) actions.push({ do: 'stop', id: old.id });
  if (old !== undefined && !holdsRestart(old.restartPolicy)) {
    actions.push({ do: 'set-restart', id: old.id, policy: NO_RESTART });
  }
  if (policy !== undefined && !samePolicy(policy, next.restartPolicy)) {
    actions.push({ do: 'set-restart', id: next.id, policy });
  }
  const served = isUp(before.next) || before.next.name === saved.nextName;
  if (served && !next.running) actions.push({ do: 'start', id: next.id, gate: false });
  if (old?.name === saved.container) actions.push({ do: 'rename', id: old.id, to: saved.previousName });
  if (next.name !== before.next.name) actions.push({ do: 'rename', id: next.id, to: before.next.name });
  return actions;
}

function isUp({ running, restarting }: SeenContainer): boolean {
  return running || restarting === true;
}

const NO_RESTART: RestartPolicy = { Name: 'no' };

/**
 * For an old container whose new id could not be written down: the next agent knows it by the name that it was created under,
 * so it keeps that until it serves. Under its own name it would be a stranger, and left stopped.
 */
export function renamesLast(actions: readonly Action[]): Action[] {
  const isRename = (action: Action) => action.do === 'rename';
  return [...actions.filter((action) => !isRename(action)), ...actions.filter(isRename)];
}

/** Something else has its name: a person, or a program that deploys as well, was there meanwhile. */
function isTaken({ holder, old, next }: Seen): boolean {
  return holder !== undefined && holder !== old?.id && holder !== next?.id;
}

/** Its old one was removed, and nothing that is not this job's is in its place. */
export function canBeRecreated({ saved, seen }: SavedAndSeen): boolean {
  return saved.old !== undefined && seen.old === undefined && !isTaken(seen);
}

/**
 * What is left of a job that was committed: the names. Errors: `new-gone` (somebody removed the new container after
 * the commit), `name-taken`.
 */
export function finishActions({ saved, seen }: SavedAndSeen): Result<Action[]> {
  const { container } = saved;
  const { next, old } = seen;
  if (next === undefined) {
    return err({ code: 'new-gone', message: `The new container of ${container} is not there any more.` });
  }
  if (next.name === container) return ok([]);
  if (isTaken(seen)) {
    return err({
      code: 'name-taken',
      message: `Another container has taken the name ${container} meanwhile, and is left alone.`,
    });
  }
  const actions: Action[] = [];
  if (old?.name === container) actions.push({ do: 'rename', id: old.id, to: saved.previousName });
  actions.push({ do: 'rename', id: next.id, to: container });
  return ok(actions);
}

/**
 * The new ones that hang on the new one of a container: an engine may refuse to remove that one before them. Those whose
 * old one is gone are left, for they may serve.
 */
export function removedBefore(container: SavedAndSeen, all: readonly SavedAndSeen[]): Action[] {
  const owners = new Set([container.saved.container]);
  const hanging = all.filter(({ saved }) => {
    if (!saved.follows.some((name) => owners.has(name))) return false;
    owners.add(saved.container);
    return true;
  });
  return hanging
    .toReversed()
    .flatMap(({ saved, seen }): Action[] =>
      seen.next === undefined || (saved.old !== undefined && seen.old === undefined)
        ? []
        : [{ do: 'remove', id: seen.next.id }],
    );
}

/**
 * In which order containers go back: the last that was exchanged first, but what hangs on another behind that one,
 * because it starts in a namespace of it.
 */
export function restoreOrder<T extends { saved: SavedContainer }>(containers: readonly T[]): T[] {
  const needs = containers.toReversed().map((container) => ({
    container,
    name: container.saved.container,
    dependsOn: container.saved.follows,
  }));
  return inDependencyOrder(needs).map(({ container }) => container);
}

/** Whether names that it had were taken away, for the new one. */
function isNameless({ aliases }: SeenContainer, network: string, saved: JsonObject): boolean {
  const seen = aliases?.[network];
  return seen !== undefined && texts(saved.Aliases).some((alias) => !seen.includes(alias));
}

export function wasRunning(saved: SavedContainer): boolean {
  return saved.old !== undefined && object(saved.old.inspect.State).Running === true;
}

/** The engine deletes it when it stops. */
export function removesItself({ old }: SavedContainer): boolean {
  return old !== undefined && object(old.inspect.HostConfig).AutoRemove === true;
}

/** One that restarted over and over, or was unhealthy, is not asked to be better than it was. */
export function ranWell(container: JsonObject): boolean {
  const state = object(container.State);
  return state.Restarting !== true && object(state.Health).Status !== 'unhealthy';
}

/** The restart policy that the old container had. */
export function savedPolicy(saved: SavedContainer): RestartPolicy | undefined {
  if (saved.old === undefined) return undefined;
  const policy = object(object(saved.old.inspect.HostConfig).RestartPolicy);
  const retries = policy.MaximumRetryCount;
  return {
    Name: text(policy.Name) || 'no',
    ...(typeof retries === 'number' && retries > 0 && { MaximumRetryCount: retries }),
  };
}

export function holdsRestart(policy: RestartPolicy): boolean {
  return policy.Name === 'no' || policy.Name === '';
}

function samePolicy(a: RestartPolicy, b: RestartPolicy): boolean {
  return (a.Name || 'no') === (b.Name || 'no') && (a.MaximumRetryCount ?? 0) === (b.MaximumRetryCount ?? 0);
}
