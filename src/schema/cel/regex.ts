// Patterns on a linear-time engine, kept for when they come again.
import { RE2JS } from 're2js';
import { CelError } from './errors.ts';

const patterns = new Map<string, RE2JS>();
const maxPatterns = 1000;
const maxPatternLength = 100_000;

/** An error where the text is no pattern, in Go's words as far as they are known. */
export function compileRegex(text: string): CelPattern | CelError {
  let pattern = patterns.get(text);
  if (!pattern) {
    try {
      if (text.length > maxPatternLength) throw new Error('expression too large');
      pattern = RE2JS.compile(text);
    } catch (error) {
      return new CelError(
        error instanceof Error
          ? error.message.replace(/^error parsing regexp?: /, 'error parsing regexp: ')
          : String(error),
      );
    }
    if (patterns.size >= maxPatterns) patterns.clear();
    patterns.set(text, pattern);
  }
  const compiled = pattern;
  return {
    test: (input) => compiled.matcher(input).find(),
    find: (input) => {
      const matcher = compiled.matcher(input);
      return matcher.find() ? (matcher.group() ?? '') : '';
    },
    findAll: (input, limit) => {
      const found: string[] = [];
      const matcher = compiled.matcher(input);
      while (found.length < limit && matcher.find()) found.push(matcher.group() ?? '');
      return found;
    },
  };
}

interface CelPattern {
  test(text: string): boolean;
  /** The first match; '' where there is none. */
  find(text: string): string;
  findAll(text: string, limit: number): string[];
}
