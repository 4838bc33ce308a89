import type { BuildDefinition, GitCredentials } from '../build/index.ts';
import type { BuildInput } from './map-schema.ts';

type CredentialsInput = NonNullable<BuildInput['source']['credentials']>;

/** A build of the map file as a definition. Numbers and true or false are text to a command and to a Dockerfile. */
export function toBuild(name: string, { source, command, image, agent, keep }: BuildInput): BuildDefinition {
  return {
    name,
    source: {
      git: source.git,
      ref: source.ref,
      ...(source.submodules !== undefined && { submodules: source.submodules }),
      ...(source.credentials !== undefined && { credentials: toCredentials(source.credentials) }),
    },
    ...(command !== undefined && {
      command: {
        image: command.image,
        run: command.run,
        ...(command.workdir !== undefined && { workdir: command.workdir }),
        ...(command.caches !== undefined && { caches: command.caches }),
        ...(command.secrets !== undefined && { secrets: command.secrets }),
        ...(command.environment !== undefined && { environment: texts(command.environment) }),
      },
    }),
    image: {
      // As written: `docker.io/shop/web` is pushed, and `shop/web` is not.
      name: image.name,
      version: image.version,
      ...(image.dockerfile !== undefined && { dockerfile: image.dockerfile }),
      ...(image.dockerfile_inline !== undefined && { dockerfileInline: image.dockerfile_inline }),
      ...(image.context !== undefined && { context: image.context }),
      ...(image.args !== undefined && { args: texts(image.args) }),
      ...(image.target !== undefined && { target: image.target }),
      ...(image.secrets !== undefined && { secrets: image.secrets }),
      ...(image.ssh !== undefined && { ssh: image.ssh }),
    },
    agent,
    ...(keep !== undefined && { keep }),
  };
}

function toCredentials(given: CredentialsInput): GitCredentials {
  if (given === 'ssh') return { kind: 'ssh' };
  return 'token' in given
    ? { kind: 'token', secret: given.token.secret }
    : { kind: 'password', user: given.user, secret: given.password.secret };
}

function texts(map: Record<string, string | number | boolean>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, String(value)]));
}

/** A definition as the map file has it: what `toBuild` makes the same definition of again. Keys in their usual order. */
export function buildNode({ source, command, image, agent, keep }: BuildDefinition): BuildInput {
  return {
    source: {
      git: source.git,
      ref: source.ref,
      ...(source.submodules !== undefined && { submodules: source.submodules }),
      ...(source.credentials !== undefined && { credentials: credentialsNode(source.credentials) }),
    },
    ...(command !== undefined && {
      command: {
        image: command.image,
        run: command.run,
        ...(command.workdir !== undefined && { workdir: command.workdir }),
        ...(command.caches !== undefined && { caches: command.caches }),
        ...(command.secrets !== undefined && { secrets: command.secrets }),
        ...(command.environment !== undefined && { environment: command.environment }),
      },
    }),
    image: {
      name: image.name,
      version: image.version,
      ...(image.dockerfile !== undefined && { dockerfile: image.dockerfile }),
      ...(image.dockerfileInline !== undefined && { dockerfile_inline: image.dockerfileInline }),
      ...(image.context !== undefined && { context: image.context }),
      ...(image.args !== undefined && { args: image.args }),
      ...(image.target !== undefined && { target: image.target }),
      ...(image.secrets !== undefined && { secrets: image.secrets }),
      ...(image.ssh !== undefined && { ssh: image.ssh }),
    },
    agent,
    ...(keep !== undefined && { keep }),
  };
}

function credentialsNode(given: GitCredentials): CredentialsInput {
  switch (given.kind) {
    case 'ssh':
      return 'ssh';
    case 'token':
      return { token: { secret: given.secret } };
    case 'password':
      return { user: given.user, password: { secret: given.secret } };
  }
}
