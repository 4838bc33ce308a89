import protobuf from 'protobufjs';

/**
 * What of BuildKit's own protocols is spoken here, from github.com/moby/buildkit (session/…, api/services/control) and
 * github.com/tonistiigi/fsutil. Names and numbers are theirs. A field that is left out is skipped by the decoder.
 */
const PROTO = `
syntax = "proto3";

message HealthCheckRequest { string service = 1; }
message HealthCheckResponse { int32 status = 1; }

message CredentialsRequest { string Host = 1; }
message CredentialsResponse { string Username = 1; string Secret = 2; }

message GetSecretRequest { string ID = 1; }
message GetSecretResponse { bytes data = 1; }

message CheckAgentRequest { string ID = 1; }
message CheckAgentResponse { }
message BytesMessage { bytes data = 1; }

message Packet {
  enum PacketType { PACKET_STAT = 0; PACKET_REQ = 1; PACKET_DATA = 2; PACKET_FIN = 3; PACKET_ERR = 4; }
  int32 type = 1;
  Stat stat = 2;
  uint32 ID = 3;
  bytes data = 4;
}
message Stat {
  string path = 1;
  uint32 mode = 2;
  uint32 uid = 3;
  uint32 gid = 4;
  int64 size = 5;
  int64 modTime = 6;
  string linkname = 7;
}

// A second fits 32 bits until 2106: no object is made for it.
message Timestamp { uint32 seconds = 1; uint32 nanos = 2; }
message StatusResponse { repeated Vertex vertexes = 1; repeated VertexLog logs = 3; repeated VertexWarning warnings = 4; }
message Vertex {
  string digest = 1;
  string name = 3;
  bool cached = 4;
  Timestamp started = 5;
  Timestamp completed = 6;
  string error = 7;
}
message VertexLog { string vertex = 1; int64 stream = 3; bytes msg = 4; }
message VertexWarning { string vertex = 1; bytes short = 3; repeated bytes detail = 4; }
`;

const { root } = protobuf.parse(PROTO, { keepCase: true });

export interface Timestamp {
  seconds: number;
  nanos: number;
}

export interface TraceVertex {
  digest: string;
  name: string;
  cached: boolean;
  started?: Timestamp | null;
  completed?: Timestamp | null;
  error: string;
}

export interface TraceLog {
  vertex: string;
  /** 1 and 2, as file descriptors; the decoder's own number for 64 bits. */
  stream: { toString(): string };
  msg: Uint8Array;
}

export interface TraceWarning {
  vertex: string;
  short: Uint8Array;
  detail: Uint8Array[];
}

/** What BuildKit tells of a build while it runs. */
export interface Trace {
  vertexes: TraceVertex[];
  logs: TraceLog[];
  warnings: TraceWarning[];
}

/** The types of the messages that are read and written here, by their names in `PROTO`. */
interface Messages {
  HealthCheckRequest: object;
  HealthCheckResponse: { status: number };
  CredentialsRequest: { Host: string };
  CredentialsResponse: { Username?: string; Secret?: string };
  GetSecretRequest: { ID: string };
  GetSecretResponse: { data: Uint8Array };
  CheckAgentRequest: { ID: string };
  CheckAgentResponse: object;
  BytesMessage: { data: Uint8Array };
  Packet: Packet;
  StatusResponse: Trace;
}

export const PACKET = { request: 1, fin: 3, error: 4 } as const;

/** What BuildKit says of the files that it is sent. Packets to it: see `PacketWriter`. */
export interface Packet {
  type: number;
  ID: number;
  data: Uint8Array;
}

/** The decoder of a message. It checks and fills in every field by the message's definition above. */
function decoder<Name extends keyof Messages>(name: Name): (bytes: Uint8Array) => Messages[Name] {
  const type = root.lookupType(name);
  return (bytes) => type.decode(bytes) as unknown as Messages[Name];
}

function encoder<Name extends keyof Messages>(name: Name): (message: Messages[Name]) => Uint8Array {
  const type = root.lookupType(name);
  return (message) => type.encode(type.fromObject(message)).finish();
}

export const decodeTrace = decoder('StatusResponse');
export const decodePacket = decoder('Packet');
export const decodeBytes = decoder('BytesMessage');
export const encodeBytes = encoder('BytesMessage');

/** A method that is asked one thing and gives one answer. */
function question<Request extends keyof Messages, Response extends keyof Messages>(
  path: string,
  request: Request,
  response: Response,
) {
  return { path, decode: decoder(request), encode: encoder(response) };
}

export const HEALTH = question('/grpc.health.v1.Health/Check', 'HealthCheckRequest', 'HealthCheckResponse');
export const CREDENTIALS = question(
  '/moby.filesync.v1.Auth/Credentials',
  'CredentialsRequest',
  'CredentialsResponse',
);
export const GET_SECRET = question(
  '/moby.buildkit.secrets.v1.Secrets/GetSecret',
  'GetSecretRequest',
  'GetSecretResponse',
);
export const CHECK_AGENT = question(
  '/moby.sshforward.v1.SSH/CheckAgent',
  'CheckAgentRequest',
  'CheckAgentResponse',
);
/** Streams of `BytesMessage` and of `Packet`, both ways. */
export const FORWARD_AGENT = '/moby.sshforward.v1.SSH/ForwardAgent';
export const DIFF_COPY = '/moby.filesync.v1.FileSync/DiffCopy';
