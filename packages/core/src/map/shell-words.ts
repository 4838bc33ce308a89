/**
 * Splits a command as a shell would, as the Compose Specification has it for `command` and `entrypoint` as text: words,
 * quotes and backslashes; no variables, no globs. Undefined where a quote is not closed.
 */
export function shellWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    const next = text[at + 1];
    if (char === '\\' && quote !== "'" && next !== undefined) {
      // Within double quotes a backslash is one unless it guards what means something there.
      const guards = quote === '' || next === '"' || next === '\\' || next === '$' || next === '`';
      word = (word ?? '') + (guards ? next : char + next);
      at++;
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== '') return undefined;
  if (word !== undefined) words.push(word);
  return words;
}
