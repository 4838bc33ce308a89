import { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';

/**
 * A channel as a stream that ends as streams do: ssh2's own takes no reason when it is destroyed, and tells of its close
 * only once the other side has answered, which a machine that is gone never does.
 */
export class WayStream extends Duplex {
  /** The agent's socket that it was found at, where its address does not say it. */
  readonly foundAt: string | undefined;
  readonly #channel: ClientChannel;

  constructor(channel: ClientChannel, foundAt?: string) {
    super();
    this.foundAt = foundAt;
    this.#channel = channel;
    channel.on('data', (data: Buffer) => {
      if (!this.push(data)) channel.pause();
    });
    channel.on('end', () => this.push(null));
    channel.on('close', () => {
      // What came before it is still to be read.
      if (this.readableEnded) this.destroy();
      else this.once('end', () => this.destroy());
    });
    channel.on('error', (error: Error) => this.destroy(error));
    channel.pause();
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#channel.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#channel.close();
    this.#channel.resume();
    done(error);
  }
}
