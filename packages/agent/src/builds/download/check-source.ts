import { gitTransport, isGitRef, whyNoGitUrl } from '@towline/core/build';
import { err, ok, type Result } from '@towline/core/result';
import type { DownloadFailure, GitSource } from './git-source.ts';

/** Refuses what git would take for an option or a command, and credentials that don't fit the URL. Errors: `bad-source`. */
export function checkSource({ url, ref, credentials }: GitSource): Result<void, DownloadFailure> {
  const why = whyNoGitUrl(url);
  if (why !== undefined) return bad(`The source's URL can't be used: ${why}.`);
  if (!isGitRef(ref)) {
    return bad(`“${ref.slice(0, 100)}” is no branch, tag or commit. Write one that the repository has.`);
  }
  const transport = gitTransport(url);
  if (credentials === undefined) return ok(undefined);
  if (credentials.kind === 'ssh' && transport !== 'ssh') {
    return bad(
      'The agent’s SSH key is for ssh:// and user@host:path only. Change the URL or the credentials.',
    );
  }
  if (credentials.kind !== 'ssh' && transport !== 'http') {
    return bad('A password or token is for https:// only. Change the URL or the credentials.');
  }
  // Git asks for them by lines.
  const texts = credentials.kind === 'ssh' ? [] : Object.values(credentials);
  if (texts.some((text) => /[\r\n\0]/.test(text) || text === '')) {
    return bad('The user, password or token is empty, or has a line break in it. Put it without one.');
  }
  return ok(undefined);
}

function bad(message: string): Result<never, DownloadFailure> {
  return err({ code: 'bad-source', message });
}
