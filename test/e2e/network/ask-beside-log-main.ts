import { agentAddress, createTransports } from '@towline/tui/link';
import { z } from 'zod';
import { openLinkOver } from '../../bench/open-link.ts';

/**
 * Follows a container's log, asks something once so many of its lines came, and prints how many more come before the
 * answer. The words: the agent's url, its token, the container, how many lines.
 */
const [, , url = '', token = '', container = '', count = ''] = process.argv;
const address = agentAddress(url);
if (!address.ok) throw new Error(address.error.message);
const transports = createTransports({ env: { TOKEN: token } });
const link = await openLinkOver(transports.to(address.value, { token: { env: 'TOKEN' } }));
let lines = 0;
const ended = new AbortController();
for await (const _ of link.logs(container, { follow: true, tail: 1_000_000, signal: ended.signal })) {
  lines += 1;
  if (lines !== Number(count)) continue;
  void link
    .call((client) => client.jobs.query({}), z.array(z.unknown()))
    .then((answer) => {
      process.stdout.write(answer.ok ? String(lines - Number(count)) : answer.error.message);
      ended.abort();
    });
}
await link.close();
await transports.close();
