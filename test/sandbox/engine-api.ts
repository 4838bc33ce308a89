import { request } from 'node:http';

/** The few calls that bringing an engine up and down needs. The body of a 2xx answer, as text. */
function callEngine(socketPath: string, method: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path, timeout: 30_000 }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        body += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () => {
        const status = answer.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve(body);
        else reject(new Error(`${method} ${path}: ${status} ${body}`));
      });
    });
    call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer within 30 seconds`)));
    call.on('error', reject);
    call.end();
  });
}

export async function engineAnswers(socketPath: string): Promise<boolean> {
  return await callEngine(socketPath, 'GET', '/_ping').then(
    (body) => body === 'OK',
    () => false,
  );
}

/** With their anonymous volumes. An engine that does not answer has none that it could remove. */
export async function removeAllContainers(socketPath: string): Promise<void> {
  const listed = await callEngine(socketPath, 'GET', '/containers/json?all=true').catch(() => '[]');
  const containers: unknown = JSON.parse(listed);
  if (!Array.isArray(containers)) return;
  await Promise.all(
    containers.map(async (container: { Id: string }) => {
      const path = `/containers/${container.Id}?force=true&v=true`;
      await callEngine(socketPath, 'DELETE', path).catch(() => undefined);
    }),
  );
}
