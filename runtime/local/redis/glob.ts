/**
 * Redis' glob patterns over byte strings: `*`, `?`, `[abc]`, `[^a-z]`, `\x`.
 * Iterative with one backtrack point, so a pattern of many stars costs at most pattern × text steps (a recursive matcher
 * is exponential there: CVE-2022-36021).
 */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let starAt = -1; // pattern position after the last star
  let starText = 0; // where the text went on when that star matched nothing more
  while (t < text.length) {
    const step = p < pattern.length ? matchOne(pattern, p, text.charCodeAt(t)) : -1;
    if (pattern[p] === '*') {
      p += 1;
      starAt = p;
      starText = t;
    } else if (step >= 0) {
      p = step;
      t += 1;
    } else if (starAt >= 0) {
      starText += 1;
      t = starText;
      p = starAt;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p >= pattern.length;
}

/** Matches one character at pattern position `p`: position after the element, or -1. */
function matchOne(pattern: string, p: number, code: number): number {
  const element = pattern[p];
  if (element === '*') return -1;
  if (element === '?') return p + 1;
  if (element === '[') return matchClass(pattern, p + 1, code);
  const literal = element === '\\' && p + 1 < pattern.length ? p + 1 : p;
  return pattern.charCodeAt(literal) === code ? literal + 1 : -1;
}

function matchClass(pattern: string, start: number, code: number): number {
  let p = start;
  const negated = pattern[p] === '^';
  if (negated) p += 1;
  let found = false;
  while (p < pattern.length && pattern[p] !== ']') {
    if (pattern[p] === '\\' && p + 1 < pattern.length) {
      p += 1;
      if (pattern.charCodeAt(p) === code) found = true;
      p += 1;
    } else if (pattern[p + 1] === '-' && p + 2 < pattern.length) {
      const [a, b] = [pattern.charCodeAt(p), pattern.charCodeAt(p + 2)];
      if (code >= Math.min(a, b) && code <= Math.max(a, b)) found = true;
      p += 3;
    } else {
      if (pattern.charCodeAt(p) === code) found = true;
      p += 1;
    }
  }
  return found === negated ? -1 : Math.min(p + 1, pattern.length);
}
