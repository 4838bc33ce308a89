import type * as z from 'zod';
import { isVariableName } from '../build/index.ts';
import { whyNoAgentUrl } from './agent-url.ts';
import { checked, keys, text } from './expecting.ts';
import type { AgentDefinition } from './map-file.ts';

const URL = 'an agent such as unix:///run/towline/agent.sock';
const TOKEN = '{ file: PATH } or { env: NAME }, never the token itself';
const PIN = 'sha256: and the 64 hexadecimal digits of a certificate’s fingerprint, in quotes';

const file = (what: string) => text(`the path of a file with ${what}`);

/** What only goes over TLS, and what says who is at each end of it. */
const TLS_KEYS = ['ca', 'pin', 'client_cert', 'client_key'] as const;

/** An agent of the map file. */
export const agentSchema = keys(
  {
    url: checked(URL, (value) => {
      const why = whyNoAgentUrl(value);
      return why === undefined ? undefined : `${URL}. ${why}`;
    }),
    token: keys(
      {
        file: file('the token').optional(),
        env: text('the name of an environment variable with the token', isVariableName).optional(),
      },
      TOKEN,
    )
      .refine((token) => (token.file === undefined) !== (token.env === undefined), { error: TOKEN })
      .optional(),
    ca: file('the certificate that signed the agent’s').optional(),
    pin: text(PIN, (value) => fingerprintOf(value) !== undefined).optional(),
    client_cert: file('the client’s certificate').optional(),
    client_key: file('the key of client_cert').optional(),
  },
  'a map with url, and token over TCP',
).superRefine((agent, context) => {
  const issue = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
  const { url, token, client_cert: cert, client_key: key } = agent;
  if (whyNoAgentUrl(url) !== undefined) return;
  if (/^wss?:/.test(url)) {
    if (token === undefined) issue('token', `${TOKEN}: over TCP an agent wants a token`);
  } else if (token !== undefined) issue('token', 'no token: only wss:// and ws:// want one');
  if (!url.startsWith('wss:')) {
    for (const name of TLS_KEYS)
      if (agent[name] !== undefined) issue(name, `no ${name}: it is for wss:// alone`);
  } else if (cert === undefined && key !== undefined) issue('client_cert', 'the certificate of client_key');
  else if (cert !== undefined && key === undefined) issue('client_key', 'the key of client_cert');
});

export type AgentInput = z.input<typeof agentSchema>;

export function toAgent(name: string, input: AgentInput): AgentDefinition {
  const { url, token, ca, pin, client_cert: clientCert, client_key: clientKey } = input;
  const fingerprint = pin === undefined ? undefined : fingerprintOf(pin);
  return {
    name,
    url,
    ...(token?.file !== undefined && { token: { file: token.file } }),
    ...(token?.env !== undefined && { token: { env: token.env } }),
    ...(ca !== undefined && { ca }),
    ...(fingerprint !== undefined && { pin: fingerprint }),
    ...(clientCert !== undefined &&
      clientKey !== undefined && { client: { cert: clientCert, key: clientKey } }),
  };
}

/** As the file has it. */
export function agentNode({ url, token, ca, pin, client }: AgentDefinition): AgentInput {
  return {
    url,
    ...(token !== undefined && { token }),
    ...(ca !== undefined && { ca }),
    ...(pin !== undefined && { pin }),
    ...(client !== undefined && { client_cert: client.cert, client_key: client.key }),
  };
}

/** `sha256:` and lower-case digits, also of how openssl and browsers write one: `AB:CD:…`. Undefined where it is none. */
function fingerprintOf(pin: string): string | undefined {
  const [, digits = ''] = /^sha256:((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})$/i.exec(pin) ?? [];
  return digits === '' ? undefined : `sha256:${digits.replaceAll(':', '').toLowerCase()}`;
}
