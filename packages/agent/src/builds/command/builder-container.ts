/** On every builder container; its value is the run's id. */
export const BUILD_LABEL = 'io.towline.build';
/** Which agent made it, where several work on one engine. */
export const OWNER_LABEL = 'io.towline.build.agent';

export interface CommandRequest {
  /** The run's id. */
  run: string;
  /** Names the agent among all on this engine: the same after its restart. */
  owner: string;
  image: string;
  /** For `sh -c`. */
  command: string;
  /** The checked-out folder on this machine. */
  source: string;
  /** Below the source, or absolute in the container; the source's root unless given. */
  workdir?: string | undefined;
  /** Folders of this machine that are kept between runs, and where each is in the container. */
  caches?: readonly { folder: string; target: string }[] | undefined;
  environment?: Readonly<Record<string, string>> | undefined;
  secrets?: readonly CommandSecret[] | undefined;
  /** As `docker run --user`; the image's own unless given. */
  user?: string | undefined;
}

export interface CommandSecret {
  id: string;
  value: Uint8Array;
  /** The variable that it is given as. Without, it is the file `/run/secrets/<id>`. */
  variable?: string | undefined;
}

/** Where the source is in the container. */
const SOURCE_TARGET = '/source';
const SECRETS_TARGET = '/run/secrets';
/** Secrets that are variables: the shell reads them from here, so that no inspect shows them. */
const VARIABLES_TARGET = '/run/towline';

/** Where a secret's file is mounted in the container. */
function secretTarget({ id, variable }: CommandSecret): string {
  return variable === undefined ? `${SECRETS_TARGET}/${id}` : `${VARIABLES_TARGET}/${id}`;
}

/**
 * The body of `POST /containers/create` for a command. `secretFiles` are the files on this machine, by the secrets' ids,
 * in the order of `request.secrets`. No value of a secret is in it.
 */
export function builderContainer(request: CommandRequest, secretFiles: readonly string[]): object {
  const { caches = [], environment = {}, secrets = [] } = request;
  const mount = (Source: string, Target: string, ReadOnly: boolean) => ({
    Type: 'bind',
    Source,
    Target,
    ReadOnly,
  });
  return {
    Image: request.image,
    Entrypoint: ['sh', '-c'],
    Cmd: shellWords(request.command, secrets),
    WorkingDir: workdirOf(request.workdir),
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: { [BUILD_LABEL]: request.run, [OWNER_LABEL]: request.owner },
    ...(request.user !== undefined && { User: request.user }),
    // The image's own would be asked every few seconds of a container that serves nothing.
    Healthcheck: { Test: ['NONE'] },
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      // What is streamed to us needs no second copy on the engine's disk.
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no' },
      Mounts: [
        mount(request.source, SOURCE_TARGET, false),
        ...caches.map(({ folder, target }) => mount(folder, target, false)),
        ...secrets.map((secret, at) => mount(secretFiles[at] ?? '', secretTarget(secret), true)),
      ],
    },
  };
}

function workdirOf(workdir: string | undefined): string {
  if (workdir === undefined || workdir === '.') return SOURCE_TARGET;
  return workdir.startsWith('/') ? workdir : `${SOURCE_TARGET}/${workdir}`;
}

/** For `sh -c`: the command itself, or a few words before it that read variables. */
function shellWords(command: string, secrets: readonly CommandSecret[]): string[] {
  const reads = secrets.flatMap((secret) => {
    const { variable } = secret;
    if (variable === undefined) return [];
    // The full stop keeps the newlines before it, which the shell would drop.
    const path = `'${secretTarget(secret)}'`;
    return [`${variable}=$(cat ${path} && printf .) && ${variable}=\${${variable}%.} && export ${variable}`];
  });
  return reads.length === 0 ? [command] : [`${reads.join(' && ')} && exec sh -c "$1"`, 'sh', command];
}
