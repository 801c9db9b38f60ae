// Says what is wrong with a text that is not JSON, in the words of Go's scanner. Only runs after JSON.parse refused it.

const eof = 'unexpected end of JSON input';

/** Go's %q of one character, in single quotes. */
function quoteChar(text: string, at: number): string {
  const char = String.fromCodePoint(text.codePointAt(at)!);
  if (char === "'") return "'\\''";
  if (char === '"') return `'"'`;
  const escaped: Record<string, string> = {
    '\n': '\\n',
    '\t': '\\t',
    '\r': '\\r',
    '\b': '\\b',
    '\f': '\\f',
    '\v': '\\v',
  };
  if (escaped[char]) return `'${escaped[char]}'`;
  const code = char.codePointAt(0)!;
  if (code < 0x20 || code === 0x7f) return `'\\x${code.toString(16).padStart(2, '0')}'`;
  // Go's scanner reads bytes: what is beyond ASCII is seen as the first of its UTF-8 bytes.
  if (code > 0x7f) {
    const byte = Buffer.from(char)[0]!;
    return byte < 0xa0 ? `'\\u00${byte.toString(16)}'` : `'${String.fromCharCode(byte)}'`;
  }
  return `'${char}'`;
}

const isSpace = (char: string | undefined): boolean => char === ' ' || char === '\n' || char === '\t' || char === '\r';

class SyntaxProblem extends Error {}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #fail(context: string): never {
    if (this.#at >= this.#text.length) throw new SyntaxProblem(eof);
    throw new SyntaxProblem(`invalid character ${quoteChar(this.#text, this.#at)} ${context}`);
  }

  #space(): void {
    while (isSpace(this.#text[this.#at])) this.#at++;
  }

  #string(): void {
    this.#at++;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw new SyntaxProblem(eof);
      if (char === '"') break;
      if (char === '\\') {
        this.#at++;
        const escaped = this.#text[this.#at];
        if (escaped === 'u') {
          for (let digit = 0; digit < 4; digit++) {
            this.#at++;
            if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? '')) this.#fail('in \\u hexadecimal character escape');
          }
        } else if (escaped === undefined || !'"\\/bfnrt'.includes(escaped)) this.#fail('in string escape code');
      } else if (char < ' ') this.#fail('in string literal');
      this.#at++;
    }
    this.#at++;
  }

  #digits(): void {
    while (/[0-9]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #number(): void {
    if (this.#text[this.#at] === '-') {
      this.#at++;
      if (!/[0-9]/.test(this.#text[this.#at] ?? '')) this.#fail('in numeric literal');
    }
    if (this.#text[this.#at] === '0') this.#at++;
    else this.#digits();
    if (this.#text[this.#at] === '.') {
      this.#at++;
      if (!/[0-9]/.test(this.#text[this.#at] ?? '')) this.#fail('after decimal point in numeric literal');
      this.#digits();
    }
    if (/[eE]/.test(this.#text[this.#at] ?? '')) {
      this.#at++;
      if (/[+-]/.test(this.#text[this.#at] ?? '')) this.#at++;
      if (!/[0-9]/.test(this.#text[this.#at] ?? '')) this.#fail('in exponent of numeric literal');
      this.#digits();
    }
  }

  #word(word: string): void {
    for (let index = 1; index < word.length; index++) {
      this.#at++;
      if (this.#text[this.#at] !== word[index]) this.#fail(`in literal ${word} (expecting '${word[index]}')`);
    }
    this.#at++;
  }

  /** The start of a value: pushes an object or list, or passes over the rest. */
  #value(stack: string[]): boolean {
    this.#space();
    const char = this.#text[this.#at];
    if (char === '{' || char === '[') {
      stack.push(char);
      this.#at++;
      return false;
    }
    if (char === '"') this.#string();
    else if (char === '-' || /[0-9]/.test(char ?? '')) this.#number();
    else if (char === 't') this.#word('true');
    else if (char === 'f') this.#word('false');
    else if (char === 'n') this.#word('null');
    else this.#fail('looking for beginning of value');
    return true;
  }

  #key(): void {
    if (this.#text[this.#at] !== '"') this.#fail('looking for beginning of object key string');
    this.#string();
    this.#space();
    if (this.#text[this.#at] !== ':') this.#fail('after object key');
    this.#at++;
  }

  run(): void {
    const stack: string[] = [];
    let isDone = this.#value(stack);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const close = top === '{' ? '}' : ']';
      this.#space();
      const char = this.#text[this.#at];
      if (isDone) {
        if (char === close) {
          this.#at++;
          stack.pop();
          continue;
        }
        if (char !== ',') this.#fail(top === '{' ? 'after object key:value pair' : 'after array element');
        this.#at++;
        this.#space();
        if (top === '{') this.#key();
      } else if (char === close) {
        this.#at++;
        stack.pop();
        isDone = true;
        continue;
      } else if (top === '{') this.#key();
      isDone = this.#value(stack);
    }
    this.#space();
    if (this.#at < this.#text.length) this.#fail('after top-level value');
  }
}

/** Go's text for the first thing that is wrong. */
export function describeSyntaxError(text: string): string {
  try {
    new Scanner(text).run();
    return 'invalid JSON';
  } catch (error) {
    if (error instanceof SyntaxProblem) return error.message;
    throw error;
  }
}
