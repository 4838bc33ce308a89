import type { ServerDuplexStream } from '@grpc/grpc-js';
import { type FileStat, PACKET, type Packet } from './buildkit-protocol.ts';
import type { ContextFile } from './context-files.ts';

/** BuildKit asks for many files at once; as many are open at a time. */
const OPEN_FILES = 16;
/** Go's `os.FileMode` has its own bits for these. */
const GO_MODE = { folder: 2 ** 31, link: 2 ** 27, file: 0 };
const GO_SETUID = 2 ** 23;
const GO_SETGID = 2 ** 22;
const GO_STICKY = 2 ** 20;

const GIVEN_UP = 'the builder gave the transfer up';

type Call = ServerDuplexStream<Packet, Packet>;

/**
 * Sends files as BuildKit's `DiffCopy` wants them: first what there is, in order, then the contents of those that it
 * asks for by their number in that order. It has the others from the last build. `uid` and `gid` are root's, as the
 * docker command has them: who owns a file on this machine says nothing in an image.
 */
export async function sendFiles(call: Call, files: AsyncIterable<ContextFile>): Promise<void> {
  const write = writerOf(call);
  const sent: ContextFile[] = [];
  const asked: number[] = [];
  let sending = 0;
  let finished = false;
  const done = Promise.withResolvers<void>();
  done.promise.catch(() => undefined);

  const next = () => {
    while (sending < OPEN_FILES) {
      const id = asked.shift();
      if (id === undefined) break;
      const file = sent[id];
      if (file === undefined) {
        done.reject(new Error(`the builder asked for a file that there is not (${id})`));
        return;
      }
      sending++;
      sendContent(write, id, file).then(() => {
        sending--;
        next();
      }, done.reject);
    }
    if (finished && sending === 0 && asked.length === 0) done.resolve();
  };
  call.on('data', (packet: Packet) => {
    if (packet.type === PACKET.request) asked.push(packet.ID ?? 0);
    else if (packet.type === PACKET.fin) finished = true;
    else if (packet.type === PACKET.error)
      done.reject(new Error(Buffer.from(packet.data ?? []).toString('utf8')));
    next();
  });
  call.once('cancelled', () => done.reject(new Error(GIVEN_UP)));
  call.once('error', done.reject);
  call.once('end', () => {
    finished = true;
    next();
  });

  for await (const file of files) {
    sent.push(file);
    await write({ type: PACKET.stat, stat: statOf(file) });
  }
  // The end of the list.
  await write({ type: PACKET.stat });
  await done.promise;
  await write({ type: PACKET.fin });
  call.end();
}

async function sendContent(write: Write, id: number, file: ContextFile): Promise<void> {
  for await (const data of file.content()) await write({ type: PACKET.data, ID: id, data });
  // Nothing more of this one.
  await write({ type: PACKET.data, ID: id });
}

type Write = (packet: Packet) => Promise<void>;

/** Writes to a call. All who write wait for the one reader together. */
function writerOf(call: Call): Write {
  let draining: PromiseWithResolvers<void> | undefined;
  call.on('drain', () => {
    draining?.resolve();
    draining = undefined;
  });
  const gone = () => {
    draining?.reject(new Error(GIVEN_UP));
    draining = undefined;
  };
  call.once('cancelled', gone);
  call.once('close', gone);
  return async (packet) => {
    if (call.cancelled || call.destroyed) throw new Error(GIVEN_UP);
    if (call.write(packet)) return;
    draining ??= Promise.withResolvers<void>();
    await draining.promise;
  };
}

function statOf(file: ContextFile): FileStat {
  const special =
    (file.mode & 0o4000 ? GO_SETUID : 0) +
    (file.mode & 0o2000 ? GO_SETGID : 0) +
    (file.mode & 0o1000 ? GO_STICKY : 0);
  return {
    path: file.path,
    mode: (file.mode & 0o777) + special + GO_MODE[file.kind],
    uid: 0,
    gid: 0,
    size: file.size,
    modTime: file.modified.toString(),
    linkname: file.target,
  };
}
