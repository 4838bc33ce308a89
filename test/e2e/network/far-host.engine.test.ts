import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectNamespaces, makeNetworkPlace, sharedSandbox, startSshd } from '@towline/test/sandbox';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createPlace, TOWLINE } from '../cli/towline-process.ts';

const { hosts } = await sharedSandbox();
const answerSchema = z.object({ agents: z.array(z.object({ name: z.string(), message: z.string() })) });

test('a host that is far away is waited for, also where its name has an address that leads nowhere besides', async () => {
  const place = await createPlace();
  const operator = await makeNetworkPlace(hosts.a, 'far-operator');
  const line = await connectNamespaces(operator, hosts.a, '10.92.9');
  const sshd = await startSshd({ sandboxDir: place.dir, machine: hosts.a, address: line.far });
  try {
    await line.shape({ delayMs: 300 });
    const names = join(place.dir, 'hosts');
    await writeFile(names, `${line.far} far\nfd00:92::2 far\n`);
    await writeFile(join(place.dir, 'token'), 'towline_none', { mode: 0o600 });
    await place.writeMap({
      agents: {
        ssh: { url: `ssh://far:${sshd.port}` },
        wss: { url: `wss://far:${sshd.port}`, token: { file: 'token' } },
      },
      services: {
        shop: {
          maps: { m: { servers: { s: { agent: 'ssh', containers: [{ name: 'far', image: 'far' }] } } } },
        },
      },
    });
    const withNames = ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c'];
    const begin = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';
    const words = [...withNames, begin, 'sh', names, process.execPath, TOWLINE, 'agents', '--json'];
    const [command = '', ...args] = operator.inside(words);
    const options = { cwd: place.dir, env: place.env, extendEnv: false, reject: false } as const;
    const { stdout, stderr } = await execa(command, args, { ...options, stdin: 'ignore', timeout: 50_000 });
    expect(stderr).toBe('');
    // Both got through to it, and found there what there is.
    const { agents } = answerSchema.parse(JSON.parse(stdout));
    expect(agents).toMatchObject([
      { name: 'ssh', message: expect.stringContaining('its host key is not known') },
      { name: 'wss', message: expect.stringContaining('is no TLS') },
    ]);
  } finally {
    await sshd.close();
    await line.close();
    await operator.close();
    await place.close();
  }
});
