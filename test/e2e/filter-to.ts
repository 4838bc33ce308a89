import type { Terminal } from '@towline/test/terminal';

/** Filters the pipeline by a container's name, and goes to the last row: the container's, where no other has the name. */
export async function filterTo(terminal: Terminal, name: string): Promise<void> {
  terminal.type(`/${name}`);
  await terminal.waitFor(`Filter: ${name}`);
  terminal.type('\rG');
}
