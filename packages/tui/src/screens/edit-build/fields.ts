/** The fields of the form that stand for a part of the definition, in their order. */
export const FIELD_KEYS = [
  'git',
  'ref',
  'submodules',
  'credentials',
  'user',
  'secret',
  'command',
  'commandImage',
  'run',
  'workdir',
  'caches',
  'environment',
  'commandSecrets',
  'name',
  'version',
  'dockerfileFrom',
  'dockerfile',
  'dockerfileText',
  'context',
  'target',
  'args',
  'imageSecrets',
  'ssh',
  'agent',
  'keep',
] as const;
export type FieldKey = (typeof FIELD_KEYS)[number];

/** What stands in each field, as text: a switch is `on` or `off`, a list has a line for each. */
export type FormValues = Readonly<Record<FieldKey, string>>;

export interface FieldChoice {
  value: string;
  label: string;
}

/** How a field is changed. */
export type FieldKind =
  | { type: 'text' }
  /** Some lines. */
  | { type: 'area' }
  | { type: 'switch' }
  | { type: 'choice'; choices: readonly FieldChoice[] };

export interface Field {
  key: FieldKey;
  section: string;
  label: string;
  kind: FieldKind;
  /** Where it is in the definition: what is wrong there is said here. */
  path: string;
  /** What it is for, and in what form. */
  hint: string;
  /** Whether it means anything beside the others. */
  shown?: (values: FormValues) => boolean;
}

const TEXT: FieldKind = { type: 'text' };
const AREA: FieldKind = { type: 'area' };
const SWITCH: FieldKind = { type: 'switch' };

const hasCommand = (values: FormValues) => values.command === 'on';
const hasSecret = ({ credentials }: FormValues) => credentials === 'password' || credentials === 'token';

export const FIELDS: readonly Field[] = [
  {
    key: 'git',
    section: 'Source',
    label: 'git URL',
    kind: TEXT,
    path: 'source.git',
    hint: 'https://, ssh://, file:// or user@host:path. No user or password in it: those are credentials.',
  },
  {
    key: 'ref',
    section: 'Source',
    label: 'ref',
    kind: TEXT,
    path: 'source.ref',
    hint: 'A branch, a tag or a commit.',
  },
  {
    key: 'submodules',
    section: 'Source',
    label: 'submodules',
    kind: SWITCH,
    path: 'source.submodules',
    hint: 'Whether its submodules are downloaded as well.',
  },
  {
    key: 'credentials',
    section: 'Source',
    label: 'credentials',
    kind: {
      type: 'choice',
      choices: [
        { value: 'none', label: 'none' },
        { value: 'password', label: 'user and password' },
        { value: 'token', label: 'token' },
        { value: 'ssh', label: "the agent's SSH key" },
      ],
    },
    path: 'source.credentials',
    hint: 'How a repository is read that not everybody may.',
  },
  {
    key: 'user',
    section: 'Source',
    label: 'user',
    kind: TEXT,
    path: 'source.credentials.user',
    hint: 'The user at the git server.',
    shown: ({ credentials }) => credentials === 'password',
  },
  {
    key: 'secret',
    section: 'Source',
    label: 'secret',
    kind: TEXT,
    path: 'source.credentials.secret',
    hint: "The name of the agent's secret that has the password or token. Its value is written below, under Secrets.",
    shown: hasSecret,
  },
  {
    key: 'command',
    section: 'Command',
    label: 'command',
    kind: SWITCH,
    path: 'command',
    hint: 'BUILD: a command in a builder container, with the source mounted. Without it the Dockerfile does all.',
  },
  {
    key: 'commandImage',
    section: 'Command',
    label: 'image',
    kind: TEXT,
    path: 'command.image',
    hint: 'The image that the command runs in, such as node:22.',
    shown: hasCommand,
  },
  {
    key: 'run',
    section: 'Command',
    label: 'run',
    kind: AREA,
    path: 'command.run',
    hint: 'For sh -c.',
    shown: hasCommand,
  },
  {
    key: 'workdir',
    section: 'Command',
    label: 'working folder',
    kind: TEXT,
    path: 'command.workdir',
    hint: "A folder of the source, or an absolute one of the container. The source's root where it is empty.",
    shown: hasCommand,
  },
  {
    key: 'caches',
    section: 'Command',
    label: 'cache mounts',
    kind: AREA,
    path: 'command.caches',
    hint: 'Absolute paths in the container that are kept from run to run, one a line.',
    shown: hasCommand,
  },
  {
    key: 'environment',
    section: 'Command',
    label: 'environment',
    kind: AREA,
    path: 'command.environment',
    hint: 'KEY=value, one a line. Nothing secret: everybody who may inspect the container reads it.',
    shown: hasCommand,
  },
  {
    key: 'commandSecrets',
    section: 'Command',
    label: 'secret files',
    kind: AREA,
    path: 'command.secrets',
    hint: 'id=SECRET, one a line: the secret is the file /run/secrets/id while the command runs.',
    shown: hasCommand,
  },
  {
    key: 'name',
    section: 'Image',
    label: 'name',
    kind: TEXT,
    path: 'image.name',
    hint: 'With its registry, such as registry.example.com/shop/web; without one it stays on its agent.',
  },
  {
    key: 'version',
    section: 'Image',
    label: 'version',
    kind: TEXT,
    path: 'image.version',
    hint: 'What its tags begin with: 1.4.0 makes 1.4.0.B000001, and on.',
  },
  {
    key: 'dockerfileFrom',
    section: 'Image',
    label: 'Dockerfile',
    kind: {
      type: 'choice',
      choices: [
        { value: 'path', label: 'from the source' },
        { value: 'text', label: 'written here' },
      ],
    },
    // Nothing is wrong with the choice itself.
    path: 'image.dockerfile-from',
    hint: 'Whether the Dockerfile is in the source, or in the map file.',
  },
  {
    key: 'dockerfile',
    section: 'Image',
    label: 'path',
    kind: TEXT,
    path: 'image.dockerfile',
    hint: 'Its path in the source; Dockerfile where it is empty.',
    shown: ({ dockerfileFrom }) => dockerfileFrom === 'path',
  },
  {
    key: 'dockerfileText',
    section: 'Image',
    label: 'text',
    kind: AREA,
    path: 'image.dockerfileInline',
    hint: 'The text of the Dockerfile.',
    shown: ({ dockerfileFrom }) => dockerfileFrom === 'text',
  },
  {
    key: 'context',
    section: 'Image',
    label: 'context',
    kind: TEXT,
    path: 'image.context',
    hint: 'A folder of the source; its root where it is empty.',
  },
  {
    key: 'target',
    section: 'Image',
    label: 'target',
    kind: TEXT,
    path: 'image.target',
    hint: 'A stage of the Dockerfile; the last where it is empty.',
  },
  {
    key: 'args',
    section: 'Image',
    label: 'build args',
    kind: AREA,
    path: 'image.args',
    hint: 'KEY=value, one a line. Nothing secret: the image keeps them.',
  },
  {
    key: 'imageSecrets',
    section: 'Image',
    label: 'secrets',
    kind: AREA,
    path: 'image.secrets',
    hint: 'id=SECRET, one a line: for RUN --mount=type=secret,id=…',
  },
  {
    key: 'ssh',
    section: 'Image',
    label: 'SSH key',
    kind: SWITCH,
    path: 'image.ssh',
    hint: "The agent's SSH key, for RUN --mount=type=ssh.",
  },
  {
    key: 'agent',
    section: 'Where',
    label: 'agent',
    kind: TEXT,
    path: 'agent',
    hint: 'The agent that it is built on.',
  },
  {
    key: 'keep',
    section: 'Where',
    label: 'images kept',
    kind: TEXT,
    path: 'keep',
    hint: 'How many of its images stay on the agent, besides those that containers use.',
  },
];
