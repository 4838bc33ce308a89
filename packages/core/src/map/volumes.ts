/** Something that is mounted into a container. */
export type VolumeDefinition =
  /** `target` gets a volume of its own, without a name. */
  | { kind: 'anonymous'; target: string }
  /** As the engine's `Binds` has it: `source:target[:options]`. */
  | { kind: 'bind'; bind: string }
  /** As the engine's `HostConfig.Mounts` has it. */
  | { kind: 'mount'; mount: EngineMount };

export type EngineMount = {
  Type: 'bind' | 'volume' | 'tmpfs';
  Source?: string;
  Target: string;
  ReadOnly?: boolean;
  BindOptions?: { Propagation: string };
  VolumeOptions?: { NoCopy: boolean };
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
};

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const OPTIONS = new Set(
  'ro rw z Z nocopy shared slave private rshared rslave rprivate cached delegated consistent'.split(' '),
);

/**
 * A volume in the Compose Specification's short form: `/data`, `data:/data`, `/srv/data:/data:ro`. A relative host path is
 * none: there is no folder on the agent's machine that it could be relative to. Undefined where it is none.
 */
export function parseVolume(text: string): VolumeDefinition | undefined {
  const [first = '', second, options, ...more] = text.split(':');
  if (more.length > 0) return undefined;
  if (second === undefined) return isAbsolute(first) ? { kind: 'anonymous', target: first } : undefined;
  if (!isAbsolute(second) || !(isAbsolute(first) || VOLUME_NAME.test(first))) return undefined;
  if (options !== undefined && !options.split(',').every((option) => OPTIONS.has(option))) return undefined;
  return { kind: 'bind', bind: text };
}

export function isAbsolute(path: string): boolean {
  return path.startsWith('/') && !path.includes('\0');
}

export function isVolumeName(name: string): boolean {
  return VOLUME_NAME.test(name);
}
