import * as z from 'zod';
import { isValidTag, parseReference } from '../image/index.ts';
import { isGitRef, whyNoGitUrl } from './git-url.ts';

/** The name of a secret on an agent. The map file and the protocol have names only, never values. */
export function isSecretName(name: string): boolean {
  // What every object has already can't be a name in one.
  return /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,99}$/.test(name) && name !== '__proto__';
}

/** A user at a git server, as it is given to git when it asks. */
export function isUserName(user: string): boolean {
  return /^[^\p{Cc}]{1,200}$/u.test(user);
}

/** The id of a secret as `RUN --mount=type=secret,id=…` and `/run/secrets/…` have it. */
export function isSecretId(id: string): boolean {
  return /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,99}$/.test(id);
}

/** A path inside of the source, such as `docker/Dockerfile` or `.`: relative, and not out of it. */
export function isInnerPath(path: string): boolean {
  return (
    /^[^/\p{Cc}][^\p{Cc}]{0,999}$/u.test(path) &&
    !path.startsWith('-') &&
    !/^[a-zA-Z]:/.test(path) &&
    !path.split(/[/\\]/).includes('..')
  );
}

/** An absolute path inside of the builder container, for a cache: below the root, and not out of it. */
export function isCachePath(path: string): boolean {
  return /^\/[^/\p{Cc}:][^\p{Cc}:]{0,999}$/u.test(path) && !path.split('/').includes('..');
}

/** A folder of the command: inside of the source, or absolute in the builder container. */
export function isWorkdir(path: string): boolean {
  return path.startsWith('/')
    ? /^\/[^\p{Cc}]{0,999}$/u.test(path) && !path.split('/').includes('..')
    : isInnerPath(path);
}

/** The name of a variable or of a build argument. */
export function isVariableName(name: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]{0,199}$/.test(name);
}

/** A version that a tag can begin with: `.B` and a number follow. */
export function isVersion(version: string): boolean {
  return version.length <= 100 && isValidTag(version);
}

const check = (test: (value: string) => boolean, message: string) =>
  z.string().refine(test, { error: message });

const secretName = check(isSecretName, 'not the name of a secret');
const variables = z
  .record(check(isVariableName, 'not the name of a variable'), z.string().max(10_000))
  .refine((map) => Object.keys(map).length <= 200, { error: 'more than 200' });

const secretMounts = z
  .array(z.object({ id: check(isSecretId, 'not the id of a secret'), secret: secretName }))
  .max(100)
  // One would hide the other, and the build would have a secret that is not the one that somebody meant.
  .refine((mounts) => new Set(mounts.map(({ id }) => id)).size === mounts.length, {
    error: 'an id is there twice',
  });
/** A secret of the agent, and the id that it has in the build. */
export type SecretMount = z.infer<typeof secretMounts>[number];

/** How a repository is read that not everybody may: by secrets of the agent, or by its own SSH key. */
export const gitCredentialsSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('password'),
    user: check(isUserName, 'not the name of a user'),
    secret: secretName,
  }),
  z.object({ kind: z.literal('token'), secret: secretName }),
  z.object({ kind: z.literal('ssh') }),
]);
export type GitCredentials = z.infer<typeof gitCredentialsSchema>;

/**
 * A build as the map file has it and as it goes to its agent, which checks it again: a URL, a ref or a path that is
 * none would be an option or a way out of the source.
 */
export const buildDefinitionSchema = z
  .object({
    name: z.string().min(1).max(255),
    source: z.object({
      git: z.string().superRefine((url, context) => {
        const why = whyNoGitUrl(url);
        if (why !== undefined) context.addIssue({ code: 'custom', message: why });
      }),
      /** A branch, a tag or a commit. */
      ref: check(isGitRef, 'not a branch, tag or commit'),
      submodules: z.boolean().optional(),
      /** Absent: the repository is read without. */
      credentials: gitCredentialsSchema.optional(),
    }),
    /** BUILD: runs in a builder container, with the source mounted. */
    command: z
      .object({
        image: check((text) => parseReference(text).ok, 'not an image'),
        /** For `sh -c`. */
        run: z.string().min(1).max(100_000),
        /** Below the source, or absolute; the source's root where it is absent. */
        workdir: check(isWorkdir, 'not a folder').optional(),
        /** Absolute paths in the builder container, kept from run to run. */
        caches: z.array(check(isCachePath, 'not an absolute path')).max(50).optional(),
        /** Each as the file `/run/secrets/<id>`: an environment could be read by anybody who may inspect. */
        secrets: secretMounts.optional(),
        environment: variables.optional(),
      })
      .optional(),
    /** CREATE IMAGE, and PUSH where the name has a registry. */
    image: z.object({
      /** Without a tag. */
      name: check((text) => {
        const reference = parseReference(text);
        return reference.ok && reference.value.tag === undefined && reference.value.digest === undefined;
      }, 'not the name of an image'),
      version: check(isVersion, 'not a version'),
      /** Its path in the source, `Dockerfile` where neither this nor the text is there. */
      dockerfile: check(isInnerPath, 'not a path in the source').optional(),
      /** Its text, instead of a path. */
      dockerfileInline: z.string().min(1).max(200_000).optional(),
      /** A folder of the source; its root where it is absent. */
      context: check(isInnerPath, 'not a path in the source').optional(),
      args: variables.optional(),
      target: check((name) => /^[a-zA-Z0-9][\w.-]{0,199}$/.test(name), 'not a stage').optional(),
      /** For `RUN --mount=type=secret`. */
      secrets: secretMounts.optional(),
      /** For `RUN --mount=type=ssh`: the agent's SSH key. */
      ssh: z.boolean().optional(),
    }),
    /** The agent that it is built on. */
    agent: z.string().min(1).max(255),
    /** How many of its images stay on the agent, besides those that containers use. */
    keep: z.int().min(1).max(10_000).optional(),
  })
  .refine(({ image }) => image.dockerfile === undefined || image.dockerfileInline === undefined, {
    error: 'a path or a text, not both',
    path: ['image', 'dockerfileInline'],
  });
export type BuildDefinition = z.infer<typeof buildDefinitionSchema>;

/** A build's name among all of a machine: `service/build`. */
export function buildKey({ service, build }: { service: string; build: string }): string {
  return `${service}/${build}`;
}

/** The secrets that a run needs, each once: all of them must be on the agent before it starts. */
export function secretsOf({ source, command, image }: BuildDefinition): string[] {
  const { credentials } = source;
  return [
    ...new Set([
      ...(credentials !== undefined && credentials.kind !== 'ssh' ? [credentials.secret] : []),
      ...(command?.secrets ?? []).map(({ secret }) => secret),
      ...(image.secrets ?? []).map(({ secret }) => secret),
    ]),
  ];
}

/** A field of a build that an operator can't change, by its path in the definition. */
export type LockedField = 'name' | 'image.name';

/**
 * What can't be changed of a build that has run, whatever came of it: its name and its image's, registry included.
 * Numbers are counted by the one, and images are found by the other. `runs` is how many it has had, those that the
 * history no longer has included.
 */
export function lockedFields(runs: number): readonly LockedField[] {
  return runs > 0 ? ['name', 'image.name'] : [];
}
