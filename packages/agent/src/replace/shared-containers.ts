import { type JsonObject, object, text, texts } from './json.ts';

/** The containers, by name or id, whose namespaces or volumes a container shares. Each may be there twice. */
export function sharedContainers(container: JsonObject): string[] {
  const hostConfig = object(container.HostConfig);
  const modes = (['NetworkMode', 'IpcMode', 'PidMode'] as const).map((field) => text(hostConfig[field]));
  return [
    ...modes.filter((mode) => mode.startsWith('container:')).map((mode) => mode.slice('container:'.length)),
    ...texts(hostConfig.VolumesFrom).map((entry) => entry.split(':')[0] ?? entry),
  ];
}
