import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { err, ok, type Result } from '@towline/core/result';
import type { ClientChannel } from 'ssh2';
import type { HopConnection } from './hop-connection.ts';
import { shCommand } from './sh-command.ts';

/** What a command of another machine ended with. */
export interface ShellAnswer {
  /** As a shell has it: 128 and the signal's number where it was killed, 255 where nothing was said. */
  code: number;
  /** At most the first 256 KiB of each. */
  stdout: string;
  stderr: string;
}

/** Another machine's `sh`, as the user that SSH logs in. */
export interface RemoteShell {
  /** The machine, for people. */
  name: string;
  /**
   * Runs a script for a POSIX shell, whatever the user's own is, with this as its input. Errors: `agent-unreachable` where the
   * connection is lost, or where the command says and takes nothing for two minutes.
   */
  run(script: string, input?: Readable): Promise<Result<ShellAnswer>>;
  /** Lets go of the connection. */
  close(): void;
}

export interface ReachedMachine {
  connection: HopConnection;
  name: string;
  release(): void;
  /** How long a command may say and take nothing, in milliseconds; two minutes by default. */
  patienceMs?: number;
}

const PATIENCE_MS = 120_000;
const TO_BLAME =
  'Where `ssh` with the command `true` hangs there as well, what the shell does at its start is to blame.';
const MAX_TEXT = 256 * 1024;

export function remoteShell(reached: ReachedMachine): RemoteShell {
  const { connection, name, release, patienceMs = PATIENCE_MS } = reached;
  const failed = (message: string) => err({ code: 'agent-unreachable', message });
  return {
    name,
    close: release,
    run(script, input) {
      return new Promise((settle) => {
        let patience: NodeJS.Timeout | undefined;
        const finish = (result: Result<ShellAnswer>) => {
          clearTimeout(patience);
          off();
          settle(result);
        };
        // A command is not tried again, as a link is.
        const off = connection.onEnd((message) =>
          settle(failed(message.replace(/ It is tried again\.$/, ''))),
        );
        const begun = (channel: ClientChannel) => {
          const wait = () => {
            clearTimeout(patience);
            patience = setTimeout(() => {
              channel.close();
              finish(failed(`${name}: a command there says nothing and does not end. ${TO_BLAME}`));
            }, patienceMs);
          };
          wait();
          let code = 255;
          const texts = { stdout: '', stderr: '' };
          const collect = (stream: Readable, which: keyof typeof texts) =>
            stream.setEncoding('utf8').on('data', (text: string) => {
              wait();
              if (texts[which].length < MAX_TEXT) texts[which] += text.slice(0, MAX_TEXT);
            });
          collect(channel, 'stdout');
          collect(channel.stderr, 'stderr');
          channel.on('exit', (status: number | null) => {
            code = status ?? 128;
          });
          channel.on('close', () => finish(ok({ code, ...texts })));
          if (input === undefined) channel.end();
          else {
            input.on('data', wait);
            // A command that ends before it has taken all says by its code what is wrong.
            pipeline(input, channel.stdin).catch(() => {});
          }
        };
        try {
          connection.client.exec(shCommand(script), (error, channel) => {
            if (error) finish(failed(`${name}: sshd there runs no command: ${error.message}.`));
            else begun(channel);
          });
        } catch (error) {
          finish(failed(`${name}: ${error instanceof Error ? error.message : String(error)}.`));
        }
      });
    },
  };
}
