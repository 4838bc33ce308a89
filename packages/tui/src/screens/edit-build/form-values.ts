import {
  type BuildDefinition,
  buildDefinitionSchema,
  type GitCredentials,
  gitTransport,
  whyNoGitUrl,
} from '@towline/core/build';
import { FIELDS, type FieldKey, type FormValues } from './fields.ts';

/** A definition as it stands in the form. */
export function toValues({ source, command, image, agent, keep }: BuildDefinition): FormValues {
  const { credentials } = source;
  return {
    git: source.git,
    ref: source.ref,
    submodules: toSwitch(source.submodules),
    credentials: credentials?.kind ?? 'none',
    user: credentials?.kind === 'password' ? credentials.user : '',
    secret: credentials !== undefined && credentials.kind !== 'ssh' ? credentials.secret : '',
    command: command === undefined ? 'off' : 'on',
    commandImage: command?.image ?? '',
    run: command?.run ?? '',
    workdir: command?.workdir ?? '',
    caches: (command?.caches ?? []).join('\n'),
    environment: pairs(command?.environment),
    commandSecrets: mounts(command?.secrets),
    name: image.name,
    version: image.version,
    dockerfileFrom: image.dockerfileInline === undefined ? 'path' : 'text',
    dockerfile: image.dockerfile ?? '',
    dockerfileText: image.dockerfileInline ?? '',
    context: image.context ?? '',
    target: image.target ?? '',
    args: pairs(image.args),
    imageSecrets: mounts(image.secrets),
    ssh: toSwitch(image.ssh),
    agent,
    keep: keep === undefined ? '' : String(keep),
  };
}

function toSwitch(value: boolean | undefined): string {
  return value === true ? 'on' : 'off';
}

function pairs(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');
}

function mounts(list: readonly { id: string; secret: string }[] | undefined): string {
  return (list ?? []).map(({ id, secret }) => `${id}=${secret}`).join('\n');
}

/** What is wrong with a field, in a sentence. */
export type Problems = ReadonlyMap<FieldKey, string>;

/**
 * The definition that the form means, or what is wrong with it, by field. Fields that say nothing beside the others are
 * no part of it. `base` is what it was: a switch that is off stays as it was written there.
 */
export function toDefinition(
  values: FormValues,
  base: BuildDefinition,
): { definition: BuildDefinition } | { problems: Problems } {
  const problems = new Map<FieldKey, string>();
  const lines = (key: FieldKey) =>
    values[key]
      .split('\n')
      .map((text) => text.trim())
      .filter((text) => text !== '');
  const entries = (key: FieldKey) =>
    values[key]
      .split('\n')
      .filter((text) => text.trim() !== '')
      .flatMap((text): [string, string][] => {
        const at = text.indexOf('=');
        if (at > 0) return [[text.slice(0, at).trim(), text.slice(at + 1)]];
        problems.set(key, `“${text.trim()}” has no “=” in it.`);
        return [];
      });
  // What a switch has turned off is not looked at.
  const record = (key: FieldKey) => {
    const known = new Set<string>();
    for (const [name] of entries(key)) {
      if (known.has(name)) problems.set(key, `${name} is there twice.`);
      known.add(name);
    }
    return filled(Object.fromEntries(entries(key)));
  };
  const secrets = (key: FieldKey) => {
    const list = entries(key).map(([id, secret]) => ({ id, secret: secret.trim() }));
    return list.length > 0 ? list : undefined;
  };
  const caches = lines('caches');
  const { keep } = values;
  const candidate = {
    name: base.name,
    source: {
      git: values.git,
      ref: values.ref,
      submodules: flag(values.submodules, base.source.submodules),
      credentials: toCredentials(values),
    },
    command:
      values.command === 'on'
        ? {
            image: values.commandImage,
            run: values.run,
            workdir: given(values.workdir),
            caches: caches.length > 0 ? caches : undefined,
            secrets: secrets('commandSecrets'),
            environment: record('environment'),
          }
        : undefined,
    image: {
      name: values.name,
      version: values.version,
      dockerfile: values.dockerfileFrom === 'path' ? given(values.dockerfile) : undefined,
      dockerfileInline: values.dockerfileFrom === 'text' ? values.dockerfileText : undefined,
      context: given(values.context),
      args: record('args'),
      target: given(values.target),
      secrets: secrets('imageSecrets'),
      ssh: flag(values.ssh, base.image.ssh),
    },
    agent: values.agent,
    keep: keep === '' ? undefined : /^\d{1,6}$/.test(keep) ? Number(keep) : keep,
  };
  const checked = buildDefinitionSchema.safeParse(candidate);
  if (!checked.success) {
    for (const { path, message, code } of checked.error.issues) {
      const key = fieldAt(path.map(String).join('.'), values);
      if (key !== undefined && !problems.has(key)) problems.set(key, sentence(key, values, code, message));
    }
  }
  const misfit = whyCredentialsDoNotFit(values);
  if (misfit !== undefined && !problems.has('credentials')) problems.set('credentials', misfit);
  return checked.success && problems.size === 0 ? { definition: checked.data } : { problems };
}

function toCredentials({ credentials, user, secret }: FormValues): GitCredentials | undefined {
  switch (credentials) {
    case 'password':
      return { kind: 'password', user, secret };
    case 'token':
      return { kind: 'token', secret };
    case 'ssh':
      return { kind: 'ssh' };
    default:
      return undefined;
  }
}

function given(value: string): string | undefined {
  return value.trim() === '' ? undefined : value.trim();
}

/** Off where it was not written stays so. */
function flag(value: string, before: boolean | undefined): boolean | undefined {
  if (value === 'on') return true;
  return before === undefined ? undefined : false;
}

function filled(map: Record<string, string>): Record<string, string> | undefined {
  return Object.keys(map).length > 0 ? map : undefined;
}

/** The field that a part of the definition stands in: the one with the longest path that leads to it. */
export function fieldAt(path: string, values: FormValues): FieldKey | undefined {
  const leading = FIELDS.filter(
    (field) => (field.shown?.(values) ?? true) && (path === field.path || path.startsWith(`${field.path}.`)),
  );
  return leading.sort((a, b) => b.path.length - a.path.length)[0]?.key;
}

function sentence(key: FieldKey, values: FormValues, code: string, message: string): string {
  if (values[key].trim() === '') return key === 'git' ? `${message}.` : 'It must not be empty.';
  if (key === 'keep') return 'A whole number from 1 to 10000, or nothing.';
  if (code === 'too_big') return 'It is too long.';
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
}

function whyCredentialsDoNotFit({ git, credentials }: FormValues): string | undefined {
  if (credentials === 'none' || whyNoGitUrl(git) !== undefined) return undefined;
  switch (gitTransport(git)) {
    case 'ssh':
      return credentials === 'ssh'
        ? undefined
        : "Over SSH the agent has its key: choose the agent's SSH key.";
    case 'http':
      return credentials === 'ssh' ? 'An SSH key is for ssh:// and user@host:path.' : undefined;
    case 'local':
    case 'anonymous':
      return 'This URL is read without: choose none.';
  }
}
