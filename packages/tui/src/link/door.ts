import type { IncomingMessage } from 'node:http';
import { type DoorRefusal, doorRefusalSchema } from '@towline/core/protocol';

/** What answered instead of letting this end in. */
export type Refused = { kind: 'agent'; refusal: DoorRefusal['towline'] } | { kind: 'other'; status: number };

/** An agent's refusal is a sentence; what is longer is somebody else's page. */
const MAX_BYTES = 16 * 1024;

/** Reads an answer that is no WebSocket. Never throws. */
export async function readRefusal(response: IncomingMessage): Promise<Refused> {
  const other: Refused = { kind: 'other', status: response.statusCode ?? 0 };
  try {
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk;
      if (text.length > MAX_BYTES) return other;
    }
    const read = doorRefusalSchema.safeParse(JSON.parse(text));
    return read.success ? { kind: 'agent', refusal: read.data.towline } : other;
  } catch {
    return other;
  }
}

/** Why this end was not let in, with what to do. `from` says where its token came from. */
export function notLetIn(name: string, refused: Refused, from: string | undefined): string {
  if (refused.kind === 'other') {
    return `What answers on ${name} is no Towline agent: it answers ${refused.status} to the request for a connection. Look at the port or the path of the map's url, and at what stands between.`;
  }
  const { code, message } = refused.refusal;
  const what = code.startsWith('token-') && from !== undefined ? `the token in ${from}` : 'the connection';
  return `The agent at ${name} refuses ${what}: ${message}`;
}

/** Why an agent ended a connection, of the reason that it gave; undefined for one that is not known. */
export function tokenEnded(name: string, reason: string): string | undefined {
  switch (reason) {
    case 'token-revoked':
      return `The agent at ${name} ended the connection: its token was revoked.`;
    case 'token-expired':
      return `The agent at ${name} ended the connection: its token has expired.`;
    default:
      return undefined;
  }
}
