import * as z from 'zod';
import {
  gitTransport,
  isCachePath,
  isGitRef,
  isInnerPath,
  isSecretId,
  isSecretName,
  isUserName,
  isVariableName,
  isVersion,
  isWorkdir,
  whyNoGitUrl,
} from '../build/index.ts';
import { parseReference } from '../image/index.ts';
import { UPDATE_ORDERS } from '../job/index.ts';
import { agentSchema } from './agent-definition.ts';
import { checked, either, keys, listOf, text, wholeNumber, yesOrNo } from './expecting.ts';
import { probeDefinitionSchema } from './probe.ts';
import { runDefinitionSchema } from './run-definition.ts';

const NAME =
  'a name: any letters and digits, without spaces, "/" or "=", not beginning with "-", at most 100 of them';
/** `/` and `=` have a meaning in TARGET and in `--set`. Letters of any script are letters. */
const name = text(NAME, (value) => /^[^\s/=\p{C}]{1,100}$/u.test(value) && !value.startsWith('-'));

const CONTAINER_NAME =
  'a container name as the engine takes it: at least two of a-z, A-Z, 0-9, "_", "." and "-", beginning with a letter or digit';
/** The engine's own grammar (moby, daemon/names): `[a-zA-Z0-9][a-zA-Z0-9_.-]+`. */
const containerName = text(CONTAINER_NAME, (value) => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,200}$/.test(value));

const IMAGE = 'the name of an image without a tag, such as nginx or registry.example.com/shop/web';
const imageName = checked(IMAGE, (value) => {
  const reference = parseReference(value);
  if (!reference.ok) return `${IMAGE}. ${reference.error.message}`;
  if (reference.value.digest !== undefined)
    return `${IMAGE}. Leave out the digest @…: it is chosen when executed`;
  if (reference.value.tag === undefined) return undefined;
  return `${IMAGE}. Leave out the tag :${reference.value.tag}: it is chosen when executed`;
});

const GIT = 'a git URL such as https://git.example.com/shop/web.git';
const VERSION = 'a version in quotes, such as "1.4.0", that a tag can begin with';
const SECRET = 'the name of a secret on the agent: letters, digits and _ . -';
const INNER = 'a path in the source, without .. in it';
const REF = 'a branch, a tag or a commit';

const secretName = text(SECRET, isSecretName);
const secret = keys({ secret: secretName }, '{ secret: NAME }, never the value');
const secretMounts = listOf(
  keys(
    { id: text('an id: letters, digits and _ . -', isSecretId), secret: secretName },
    '{ id: ID, secret: NAME }',
  ),
  'a list of { id: ID, secret: NAME }',
)
  .max(100, { error: 'at most 100 secrets' })
  .superRefine((mounts, context) => {
    for (const [at, { id }] of mounts.entries()) {
      const first = mounts.findIndex((mount) => mount.id === id);
      if (first < at) context.addIssue({ code: 'custom', path: [at, 'id'], message: 'each id once' });
    }
  });
const variables = (what: string) =>
  z
    .record(
      text(`a name of letters, digits and _`, isVariableName),
      either(
        [z.string().max(10_000, { error: 'at most 10,000 characters' }), z.number(), z.boolean()],
        'text, a number, or true or false',
      ),
      { error: `a map of ${what}` },
    )
    .refine((map) => Object.keys(map).length <= 200, { error: `at most 200 ${what}` });

const CREDENTIALS = 'ssh, { user: NAME, password: { secret: NAME } } or { token: { secret: NAME } }';
const credentials = either(
  [
    z.literal('ssh', { error: CREDENTIALS }),
    keys({ token: secret }, CREDENTIALS),
    keys({ user: text('the name of a user', isUserName), password: secret }, CREDENTIALS),
  ],
  CREDENTIALS,
);

const buildSource = keys(
  {
    git: checked(GIT, (value) => {
      const why = whyNoGitUrl(value);
      return why === undefined ? undefined : `${GIT}. ${why}`;
    }),
    ref: text(REF, isGitRef),
    submodules: yesOrNo().optional(),
    credentials: credentials.optional(),
  },
  'a map with git and ref',
).superRefine(({ git, credentials: given }, context) => {
  if (given === undefined || whyNoGitUrl(git) !== undefined) return;
  const transport = gitTransport(git);
  const fits = given === 'ssh' ? transport === 'ssh' : transport === 'http';
  if (fits) return;
  const message =
    transport === 'ssh'
      ? 'ssh: over SSH the agent has its key'
      : transport === 'http'
        ? `a user with a password, or a token; ssh is for ssh:// and user@host:path`
        : 'none: this URL is read without';
  context.addIssue({ code: 'custom', path: ['credentials'], message });
});

const build = keys(
  {
    source: buildSource,
    command: keys(
      {
        image: text('the image that the command runs in', (value) => parseReference(value).ok),
        run: text(
          'a command, at most 100,000 characters',
          (value) => value !== '' && value.length <= 100_000,
        ),
        workdir: text('a folder in the source, or an absolute path in the container', isWorkdir).optional(),
        caches: listOf(
          text('an absolute path in the container', isCachePath),
          'a list of absolute paths in the container',
        )
          .max(50, { error: 'at most 50 paths' })
          .optional(),
        secrets: secretMounts.optional(),
        environment: variables('variables').optional(),
      },
      'a map with image and run',
    ).optional(),
    image: keys(
      {
        name: imageName,
        version: text(VERSION, isVersion),
        dockerfile: text(`the path of a Dockerfile in the source`, isInnerPath).optional(),
        dockerfile_inline: text(
          'the text of a Dockerfile, at most 200,000 characters',
          (value) => value !== '' && value.length <= 200_000,
        ).optional(),
        context: text(INNER, isInnerPath).optional(),
        args: variables('build arguments').optional(),
        target: text('a stage of the Dockerfile', (value) =>
          /^[a-zA-Z0-9][\w.-]{0,199}$/.test(value),
        ).optional(),
        secrets: secretMounts.optional(),
        ssh: yesOrNo().optional(),
      },
      'a map with name and version',
    ).superRefine(({ dockerfile, dockerfile_inline }, context) => {
      if (dockerfile === undefined || dockerfile_inline === undefined) return;
      context.addIssue({
        code: 'custom',
        path: ['dockerfile_inline'],
        message: 'dockerfile (a path) or dockerfile_inline (the text), not both',
      });
    }),
    agent: text('the name of an agent: where it is built'),
    keep: wholeNumber('how many images to keep, from 1 to 10000', 1, 10_000).optional(),
  },
  'a map with source, image and agent, and command',
);

const container = keys(
  {
    name: containerName,
    image: imageName.optional(),
    build: text('the name of a build').optional(),
    run: runDefinitionSchema.optional(),
    probe: probeDefinitionSchema.optional(),
    settle: wholeNumber('whole seconds, from 0 to 3600', 0, 3600).optional(),
    update: z.enum(UPDATE_ORDERS, { error: UPDATE_ORDERS.join(' or ') }).optional(),
    depends_on: listOf(
      text('the name of another container of this server'),
      'a list of other containers of this server',
    )
      .max(100, { error: 'at most 100 containers' })
      .optional(),
  },
  'a map with name and image, or name and build',
).superRefine((value, context) => {
  const { image, build: built } = value;
  if (image !== undefined && built !== undefined) {
    context.addIssue({ code: 'custom', path: ['build'], message: 'image or build, not both' });
  } else if (image === undefined && built === undefined) {
    context.addIssue({ code: 'custom', message: 'image (from a registry) or build (made here)' });
  }
});

const server = keys(
  {
    agent: text('the name of an agent'),
    containers: listOf(container, 'a list of containers')
      .min(1, { error: 'at least one container' })
      .max(100, { error: 'at most 100 containers' }),
  },
  'a map with agent and containers',
);

function named<T extends z.ZodType>(value: T, what: string) {
  return z.record(name, value, { error: `a map of ${what} by name` });
}

function some<T extends z.ZodType>(value: T, what: string) {
  return named(value, `${what}s`).refine((map) => Object.keys(map).length > 0, {
    error: `at least one ${what}`,
  });
}

const map = keys({ servers: some(server, 'server') }, 'a map with servers');
const service = keys(
  { builds: named(build, 'builds').optional(), maps: some(map, 'application map') },
  'a map with maps, and builds',
);

/** The application map file, key by key. What refers to something else in it is `brokenReferences`' business. */
export const mapFileSchema = keys(
  { agents: some(agentSchema, 'agent'), services: some(service, 'service') },
  'a map with agents and services',
);

/** A build as the map file has it. */
export type BuildInput = z.input<typeof build>;
