/** OpenSSH's patterns: `*` is any text, `?` one character; nothing else is special. */
export function matchesPattern(pattern: string, text: string): boolean {
  // Linear but for the last star, as a pattern of a file should be able to cost.
  let at = 0;
  let inText = 0;
  let star = -1;
  let retry = 0;
  while (inText < text.length) {
    const wanted = pattern[at];
    if (wanted === '*') {
      star = at++;
      retry = inText;
    } else if (wanted !== undefined && (wanted === '?' || wanted === text[inText])) {
      at++;
      inText++;
    } else if (star >= 0) {
      at = star + 1;
      inText = ++retry;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** Whether one of the patterns matches, and none of those that begin with `!`. */
export function matchesPatternList(patterns: readonly string[], text: string): boolean {
  let matched = false;
  for (const pattern of patterns) {
    if (!pattern.startsWith('!')) matched ||= matchesPattern(pattern, text);
    else if (matchesPattern(pattern.slice(1), text)) return false;
  }
  return matched;
}
