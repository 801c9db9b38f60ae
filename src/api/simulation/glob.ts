// Patterns with `*` (anything) and `?` (one character); never slower than the lengths multiplied.

export interface Glob {
  test(text: string): boolean;
}

export function globOf(pattern: string): Glob {
  return { test: (text) => matches(pattern, text) };
}

function matches(pattern: string, text: string): boolean {
  let [at, inText] = [0, 0];
  /** Where to go on when what follows the last star does not fit here. */
  let [afterStar, retry] = [-1, 0];
  while (inText < text.length) {
    if (pattern[at] === '*') {
      afterStar = ++at;
      retry = inText;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[inText])) {
      at++;
      inText++;
    } else if (afterStar >= 0) {
      at = afterStar;
      inText = ++retry;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
