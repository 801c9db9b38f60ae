// Issues while an expression is read, and where in its text they are.
import type { CelIssue } from './errors.ts';

/** The most issues that are told of one expression. */
const maxIssues = 100;

interface Place {
  readonly line: number;
  readonly column: number;
}

/** Line from 1 and column from 0, in code points. */
function placeOf(source: string, at: number): Place {
  if (at < 0) return { line: -1, column: -1 };
  const before = source.slice(0, at);
  const start = before.lastIndexOf('\n') + 1;
  let line = 1;
  for (let index = before.indexOf('\n'); index >= 0; index = before.indexOf('\n', index + 1)) line++;
  return { line, column: codePoints(before.slice(start)) };
}

export function codePoints(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00) {
      count--;
      index++;
    }
  }
  return count;
}

export class Issues {
  readonly #source: string;
  readonly #all: CelIssue[] = [];
  #count = 0;

  constructor(source: string) {
    this.#source = source;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  add(at: number, message: string): void {
    this.#count++;
    if (this.#all.length < maxIssues) this.#all.push({ message, ...placeOf(this.#source, at) });
  }

  sorted(): readonly CelIssue[] {
    return this.#all.toSorted((one, other) => one.line - other.line || one.column - other.column);
  }

  /** All of them, each with the line it is about and a caret under the place. */
  text(): string {
    const lines = this.#source.split('\n');
    const texts = this.sorted().map((issue) => display(issue, lines[issue.line - 1]));
    if (this.#count > maxIssues) texts.push(`${this.#count - maxIssues} more errors were truncated`);
    return texts.join('\n');
  }
}

const maxSnippet = 16_384;

function display({ line, column, message }: CelIssue, snippet: string | undefined): string {
  if (snippet === '' && line === 1) return `ERROR: <input>:1:0: ${message}`; // there is nothing to point at
  const head = `ERROR: <input>:${line}:${column + 1}: ${message}`;
  if (snippet === undefined || Buffer.byteLength(snippet) > maxSnippet) return head;
  const chars = [...snippet.replaceAll('\t', ' ')];
  const isWide = (char: string | undefined) => char !== undefined && char.codePointAt(0)! > 0x7f;
  const dots = chars.slice(0, Math.max(column, 0)).map((char) => (isWide(char) ? '\uff0e' : '.'));
  return `${head}\n | ${chars.join('')}\n | ${dots.join('')}${isWide(chars[column]) ? '\uff3e' : '^'}`;
}
