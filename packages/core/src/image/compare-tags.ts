/**
 * Orders tags, ascending: the newest version comes last. A total order over all strings; only equal texts are equal.
 *
 * From below: commit hashes, words (`main`, `stable`; numbers in them count as numbers), `latest`, versions. A version
 * is a number with or without `v`, with further numbers after dots; a date is one too. Of one version: its
 * pre-releases in the order of semver.org, rule 11 (`alpha` < `alpha.1` < `beta` < `rc.1`), its variants (`-alpine`), the
 * version itself, and above it what was made of it later: revisions (`-1`, git's `-14-g1a2b3c4`) and build tags
 * (`1.4.0.B000027`). Unlike semver's, a suffix that begins with a number is no pre-release: for images it is a revision.
 */
export function compareTags(a: string, b: string): number {
  const left = sortKey(a);
  const right = sortKey(b);
  return (
    left.rank - right.rank ||
    compareParts(left.release, right.release) ||
    left.stage - right.stage ||
    compareParts(left.suffix, right.suffix) ||
    // `v1.0` and `1.0`, `1.0-RC` and `1.0-rc`: the text decides, so that no two tags are equal.
    compareText(a, b)
  );
}

/** Digits as text without leading zeros (they may be longer than a number is exact), or a word in lower case. */
type Part = { number: string } | { word: string };

interface SortKey {
  rank: number;
  release: readonly Part[];
  stage: number;
  suffix: readonly Part[];
}

const RANK = { hash: 0, word: 1, latest: 2, version: 3 } as const;
const STAGE = { preRelease: 0, variant: 1, release: 2, later: 3 } as const;

const HASH = /^(?=.*[a-f])[0-9a-f]{7,64}$/;
const VERSION = /^[vV]?(\d{4}-\d{2}-\d{2}(?!\d)|\d+(?:\.\d+)*)(.*)$/s;
const BUILD = /^\.B\d+$/;
const PRE_RELEASE =
  /^[._-]?(?:a|alpha|b|beta|c|canary|cr|dev|ea|edge|experimental|insiders?|m|milestone|next|nightly|pre|prerelease|preview|rc|snapshot|test|testing|unstable)(?![a-z])/i;

function sortKey(tag: string): SortKey {
  if (tag === 'latest') return { rank: RANK.latest, release: [], stage: 0, suffix: [] };
  if (HASH.test(tag)) return { rank: RANK.hash, release: [], stage: 0, suffix: [] };
  const [, release, suffix] = VERSION.exec(tag) ?? [];
  if (release === undefined || suffix === undefined) {
    return { rank: RANK.word, release: partsOf(tag), stage: 0, suffix: [] };
  }
  return {
    rank: RANK.version,
    release: partsOf(release),
    stage: stageOf(suffix),
    suffix: partsOf(suffix),
  };
}

function stageOf(suffix: string): number {
  if (suffix === '') return STAGE.release;
  if (BUILD.test(suffix)) return STAGE.later;
  if (PRE_RELEASE.test(suffix)) return STAGE.preRelease;
  return /^[^a-z]*\d/i.test(suffix) ? STAGE.later : STAGE.variant;
}

function partsOf(text: string): Part[] {
  return (text.match(/\d+|[^\d._-]+/g) ?? []).map((part) =>
    /^\d/.test(part) ? { number: part.replace(/^0+(?=\d)/, '') } : { word: part.toLowerCase() },
  );
}

/** Part by part: what ends first is smaller, and a number is smaller than a word (semver.org, rule 11.4). */
function compareParts(a: readonly Part[], b: readonly Part[]): number {
  for (const [at, left] of a.entries()) {
    const right = b[at];
    if (right === undefined) return 1;
    const order = comparePart(left, right);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function comparePart(a: Part, b: Part): number {
  if ('number' in a && 'number' in b) {
    return a.number.length - b.number.length || compareText(a.number, b.number);
  }
  if ('word' in a && 'word' in b) return compareText(a.word, b.word);
  return 'number' in a ? -1 : 1;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
