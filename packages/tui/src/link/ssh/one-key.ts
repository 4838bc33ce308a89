import { Socket } from 'node:net';
import ssh2, { type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';

const { BaseAgent, OpenSSHAgent } = ssh2;

/** One key as ssh2 takes a whole SSH agent: it is offered by its public part, and signs only where the machine takes it. */
export class OneKey extends BaseAgent {
  readonly #key: ParsedKey;
  readonly #sign: (data: Buffer, options: SigningRequestOptions) => Promise<Buffer>;

  constructor(key: ParsedKey, sign: (data: Buffer, options: SigningRequestOptions) => Promise<Buffer>) {
    super();
    this.#key = key;
    this.#sign = sign;
  }

  override getIdentities(done: (error: Error | undefined, keys?: ParsedKey[]) => void): void {
    done(undefined, [this.#key]);
  }

  override sign(
    _key: ParsedKey | Buffer | string,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    last?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : last;
    this.#sign(data, typeof options === 'function' ? {} : options).then(
      (signature) => done?.(undefined, signature),
      (error: unknown) => done?.(error instanceof Error ? error : new Error(String(error))),
    );
  }
}

/** For the list of its keys. One that hangs, such as one over a connection that is gone, keeps nobody from the other keys. */
const LIST_MS = 5_000;
/** A person may have to confirm it, or to touch something: sshd waits for two minutes. */
const SIGN_MS = 60_000;

/** OpenSSH's agent, which is not waited for without an end. */
class PatientAgent extends OpenSSHAgent {
  readonly #ms: number;

  constructor(socket: string, ms: number) {
    super(socket);
    this.#ms = ms;
  }

  override getStream(done: Parameters<InstanceType<typeof OpenSSHAgent>['getStream']>[0]): void {
    super.getStream((error, stream) => {
      if (stream instanceof Socket) stream.setTimeout(this.#ms, () => stream.destroy());
      done(error, stream);
    });
  }
}

/** The keys that an SSH agent holds, or why it does not tell. */
export function keysOfAgent(socket: string): Promise<ParsedKey[] | Error> {
  return new Promise((resolve) => {
    new PatientAgent(socket, LIST_MS).getIdentities((error, keys = []) => {
      resolve(error ?? keys.flatMap((key) => ('pubKey' in key ? [] : [key])));
    });
  });
}

export function signByAgent(
  socket: string,
  key: ParsedKey,
  data: Buffer,
  options: SigningRequestOptions,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    new PatientAgent(socket, SIGN_MS).sign(key, data, options, (error, signature) => {
      if (signature !== undefined) resolve(signature);
      else reject(error ?? new Error('The SSH agent did not sign'));
    });
  });
}

/** Throws where the key can't sign. */
export function signByKey(key: ParsedKey, data: Buffer, { hash }: SigningRequestOptions): Buffer {
  // It returns an error rather than throw it.
  const signature: unknown = key.sign(data, hash);
  if (Buffer.isBuffer(signature)) return signature;
  throw signature instanceof Error ? signature : new Error('The key did not sign');
}
