import type { Duplex } from 'node:stream';
import type { DoorRefusal } from '@towline/core/protocol';

const STATUS: Readonly<Record<string, string>> = {
  'client-certificate': '403 Forbidden',
  'too-many-tries': '429 Too Many Requests',
  'too-many-clients': '503 Service Unavailable',
  origin: '403 Forbidden',
  'not-found': '404 Not Found',
};

/** Lets nobody in, and says why in a way that a Towline client can read. What is no matter of tokens has a status of its own. */
export function refuseUpgrade(socket: Duplex, { code, message }: DoorRefusal['towline'], waitMs = 0): void {
  const body = Buffer.from(`${JSON.stringify({ towline: { code, message } } satisfies DoorRefusal)}\n`);
  const head = [
    `HTTP/1.1 ${STATUS[code] ?? '401 Unauthorized'}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${body.byteLength}`,
    ...(code.startsWith('token-') ? ['WWW-Authenticate: Bearer'] : []),
    ...(waitMs > 0 ? [`Retry-After: ${Math.ceil(waitMs / 1000)}`] : []),
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
}
