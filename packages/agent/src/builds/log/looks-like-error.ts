import { plainText } from './plain-text.ts';

/** How far into a line one looks: what is wrong stands at its beginning. */
const LOOKED_AT = 2_000;

/** A quick look that most lines do not pass. */
const MAYBE =
  /error|err!|fatal|fail|panic|exception|traceback|not found|no such|denied|killed|segmentation|abort|unable|cannot|can't|out of memory|no space|undefined reference|\u2717|\u2718|did not complete|non-zero|^E /i;

/** What says that it is none. */
const NOT =
  /\b(?:0|no|without|zero) (?:\w+ )?(?:errors?|fail(?:ed|ures?)|failing)\b|\b(?:errors?|failed|failures?|failing)[:=]\s*0\b|\bwarning:|\bwarn\b|\[warn(?:ing)?\]|if-error|on-error/i;

/**
 * How compilers, package managers, test runners, shells and builders say that something went wrong. Each stands at a
 * line's beginning, or has the punctuation that a report has: the word `error` alone is in too many file names.
 */
const ERRORS: readonly RegExp[] = [
  // error: …, ERROR in …, fatal: …, error TS2304: …, error[E0308]: …, src/x.c:3:5: error: …
  /(?:^|[\s:[(>|!])(?:fatal |internal |compile |syntax |build |parse |runtime |linker )?(?:error|fatal)(?:\[\w+\]| [A-Z]{1,4}-?\d+| in\b)?(?::(?!:)|\])/i,
  /^\W*(?:ERROR|FATAL|FAILURE|FAILED|FAIL|PANIC)\b/,
  /^(?:E|e): \S/,
  // A stack's head: TypeError: …, java.lang.IllegalStateException: …, error TS2304
  /(?:^|[\s.])[A-Z]\w*(?:Error|Exception)(?::| \[)/,
  /\berror (?:TS|CS|MSB|NU|C|LNK)\d+/,
  /^npm (?:ERR!|error)/i,
  /\bERR!/,
  /^Traceback \(most recent call last\)/,
  /^Exception in thread/,
  /^(?:thread '.*' panicked|panic:|goroutine \d+ \[running\])/,
  /\bUncaught\b|\bUnhandled (?:promise )?rejection\b/i,
  /: (?:command not found|not found|No such file or directory|Permission denied|cannot execute)\b/i,
  /\bundefined reference to\b|\bunresolved external\b|\bcannot find (?:module|package|symbol|-l)/i,
  /\bmake(?:\[\d+\])?: \*\*\*/,
  /\bSegmentation fault\b|\bcore dumped\b|^Killed\b|\bOut of memory\b|\bOOMKilled\b|\bNo space left on device\b/i,
  /\breturned a non-zero code\b|\bdid not complete successfully\b|\bexit(?:ed)? (?:with )?(?:code|status)[: ]+[1-9]/i,
  /^\s*(?:\u2717|\u2718|\u00d7)\s/,
  /^BUILD FAILED\b|^\[ERROR\]/,
  /\b[1-9]\d* (?:errors?|failed|failing)\b/i,
];

/** Whether a line of a build's output looks like the report of an error. A guess, for the jump to the first one. */
export function looksLikeError(line: string): boolean {
  const text = plainText(line.slice(0, LOOKED_AT));
  if (!MAYBE.test(text) && !/^\s*\u00d7/.test(text)) return false;
  // BuildKit's and a clock's prefix: `#12 3.456 `, `2026-01-02T03:04:05Z `.
  const said = text.replace(/^(?:#\d+ )?(?:\[?[\d:.TZ+-]+\]? )*/, '');
  return !NOT.test(said) && ERRORS.some((pattern) => pattern.test(said));
}
