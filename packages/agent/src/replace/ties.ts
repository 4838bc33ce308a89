import { type JsonObject, object, text, texts } from './json.ts';

/** How a container hangs on another: by a namespace of it, by its volumes, or by a link of the default bridge. */
export type TieKind = 'network' | 'pid' | 'ipc' | 'volumes' | 'link';

export interface Tie {
  kind: TieKind;
  /** The other container: by name or id as the engine has it, by id or by name once it is looked up. */
  to: string;
}

const MODES = [
  ['network', 'NetworkMode'],
  ['pid', 'PidMode'],
  ['ipc', 'IpcMode'],
] as const;

/**
 * What a container, or one that is to be created, hangs on. Links of other networks than the default bridge are none of
 * it: there the engine looks the name up for every question, and finds the new container by it.
 */
export function tiesOf(container: JsonObject): Tie[] {
  const hostConfig = object(container.HostConfig);
  const modes = MODES.flatMap(([kind, field]): Tie[] => {
    const mode = text(hostConfig[field]);
    return mode.startsWith('container:') ? [{ kind, to: mode.slice('container:'.length) }] : [];
  });
  const volumes = texts(hostConfig.VolumesFrom).map((entry): Tie => {
    return { kind: 'volumes', to: entry.split(':')[0] ?? entry };
  });
  // As inspect has a link, `/db:/web/alias`; as a create takes it, `db:alias`.
  const links = texts(hostConfig.Links).map((entry): Tie => {
    return { kind: 'link', to: (entry.split(':')[0] ?? entry).replace(/^\//, '') };
  });
  return [...modes, ...volumes, ...links];
}

/** The containers, by name or id, whose namespaces or volumes a container shares. Each may be there twice. */
export function sharedContainers(container: JsonObject): string[] {
  return tiesOf(container).flatMap(({ kind, to }) => (kind === 'link' ? [] : [to]));
}

/** Its namespace ends with the other container: it can't run on, and does not start again, beside another one. */
export function sharesNamespace({ kind }: Tie): boolean {
  return kind === 'network' || kind === 'pid' || kind === 'ipc';
}

/** The engine's own setting that says it, where it says an id and so another one each time. */
export function tieSetting({ kind }: Tie): string | undefined {
  return MODES.find(([mode]) => mode === kind)?.[1];
}

/** `shares the network of web, and is linked to db`. */
export function tieWords(ties: readonly Tie[]): string {
  const words = ties.map(({ kind, to }) => `${TIE_WORDS[kind]} ${to}`);
  return [...new Set(words)].join(', and ');
}

const TIE_WORDS: Readonly<Record<TieKind, string>> = {
  network: 'shares the network of',
  pid: 'shares the processes of',
  ipc: 'shares the IPC of',
  volumes: 'has the volumes of',
  link: 'is linked to',
};
