export interface Issue {
  path: readonly PropertyKey[];
  message: string;
}

/** The part of a schema that an answer is checked with. */
export interface AnswerSchema<T> {
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: { issues: readonly Issue[] } };
}

/** The first thing that a schema found wrong, in a few words. */
export function describeIssues(issues: readonly Issue[]): string {
  const issue = issues[0];
  if (issue === undefined) return 'it has the wrong form';
  const at = issue.path.map(String).join('.');
  return at === '' ? issue.message : `${at}: ${issue.message}`;
}
