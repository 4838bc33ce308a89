import process from 'node:process';
import { jobSchema } from '@towline/core/job';
import { agentAddress, createLink, createTransports, jobEvents } from '@towline/tui/link';
import * as z from 'zod';

/**
 * `follow-main URL SERVER`: connects, says so, and writes each event of the next job of this server, as a line of JSON; ends with
 * the job. It is connected before there is a job, which no command is.
 */
const [url = '', server = ''] = process.argv.slice(2);
const address = agentAddress(url);
if (!address.ok) throw new Error(address.error.message);
const transports = createTransports({ env: process.env });
const known = new Set<string>();
const began = Promise.withResolvers<string>();
const connected = Promise.withResolvers<void>();
const link = createLink({
  transport: transports.to(address.value),
  version: 'test',
  listener: {
    onState: ({ state }) => {
      if (state === 'connected') connected.resolve();
    },
    onHello: () => {},
    onWatch: (event) => {
      if (event.type === 'job' && event.job.server === server && !known.has(event.job.id))
        began.resolve(event.job.id);
    },
  },
});
await connected.promise;
const before = await link.call((client) => client.jobs.query({}), z.array(jobSchema));
if (!before.ok) throw new Error(before.error.message);
for (const { id } of before.value) known.add(id);
process.stdout.write('connected\n');
for await (const event of link.follow(jobEvents(await began.promise), new AbortController().signal)) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
await link.close();
await transports.close();
