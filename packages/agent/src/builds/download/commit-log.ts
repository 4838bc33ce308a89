import type { Commit } from '@towline/core/build';

/** For `git log -z`: what `parseCommits` reads. */
export const COMMIT_FORMAT = '--format=%H%x1f%an%x1f%cI%x1f%s';

/** Commits as `git log -z` gives them. Their words are those of whoever wrote them: without control characters. */
export function parseCommits(output: string): Commit[] {
  return output
    .split('\0')
    .map((record) => record.replace(/^\n/, ''))
    .filter((record) => record !== '')
    .map((record) => {
      const [commit = '', author = '', date = '', ...subject] = record.split('\u001f');
      return { commit, author: plain(author, 500), date, subject: plain(subject.join(' '), 1_000) };
    });
}

function plain(text: string, length: number): string {
  return text
    .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .slice(0, length)
    .toWellFormed();
}
