// YAML as Go's printer writes it, byte for byte: which style a text gets, where a long line is folded, in which order keys
// stand. Clients compare, and keep what they were given under version control.

const bestWidth = 80;
const maxSimpleKey = 128;

/** Words that mean something else when they stand bare. */
const words = new Set(
  [
    ['', '~', 'null', 'Null', 'NULL', 'y', 'Y', 'n', 'N'],
    ['yes', 'Yes', 'YES', 'on', 'On', 'ON', 'true', 'True', 'TRUE'],
    ['no', 'No', 'NO', 'off', 'Off', 'OFF', 'false', 'False', 'FALSE'],
    ['.nan', '.NaN', '.NAN', '.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF', '-.inf', '-.Inf', '-.INF'],
  ].flat(),
);
const numberShapes = [
  /^[-+]?(?:0|[1-9]\d*|0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]+)$/,
  /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/,
];
const base60 = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/;
const timeShape =
  /^\d{4}-\d\d?-\d\d?(?:$|[Tt]\d\d?:\d\d?:\d\d?(?:[.,]\d+)?(?:Z|[-+]\d\d:\d\d)$| \d\d?:\d\d?:\d\d?(?:[.,]\d+)?$)/;

function isBareText(text: string): boolean {
  if (words.has(text)) return false;
  if (!/^[-+.\d]/.test(text)) return true;
  if (base60.test(text) || timeShape.test(text)) return false;
  const plain = text.startsWith('.') ? text : text.replaceAll('_', '');
  return !numberShapes.some((shape) => shape.test(plain));
}

interface Manner {
  readonly plain: boolean;
  readonly singleQuoted: boolean;
  readonly block: boolean;
  readonly isMultiline: boolean;
}

// Breaks are those of YAML 1.1; what is not printable can only stand in double quotes.
const isBreak = (char: string | undefined): boolean => char !== undefined && /[\n\r\u0085\u2028\u2029]/.test(char);
const unprintable = /[^\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u;
const isSpecial = (char: string): boolean => char === '\r' || (!isBreak(char) && unprintable.test(char));
const leadingIndicators =
  /^(?:---|\.\.\.|[#,[\]{}&*!|>'"%@`]|[?:](?:[ \t\n\r\u0085\u2028\u2029]|$)|-(?:[ \t\n\r\u0085\u2028\u2029]|$))/;
const innerIndicators = /(?!^):(?:[ \t\n\r\u0085\u2028\u2029]|$)|[ \t\n\r\u0085\u2028\u2029\0]#/;

/** In which styles a text can be written. */
function mannerOf(text: string): Manner {
  if (text === '') return { plain: true, singleQuoted: true, block: false, isMultiline: false };
  const chars = [...text];
  const isMultiline = chars.some(isBreak);
  const [first, last] = [chars[0]!, chars.at(-1)!];
  const isEdged = [first, last].some((char) => char === ' ' || isBreak(char));
  let hasBreakSpace = false;
  let hasSpaceBreak = false;
  for (let index = 1; index < chars.length; index++) {
    if (chars[index] === ' ' && isBreak(chars[index - 1])) hasBreakSpace = true;
    if (isBreak(chars[index]) && chars[index - 1] === ' ') hasSpaceBreak = true;
  }
  const isQuotedOnly = hasSpaceBreak || chars.some(isSpecial);
  const hasIndicators = leadingIndicators.test(text) || innerIndicators.test(text);
  return {
    plain: !isMultiline && !isEdged && !isQuotedOnly && !hasIndicators,
    singleQuoted: !hasBreakSpace && !isQuotedOnly,
    block: !isQuotedOnly && last !== ' ',
    isMultiline,
  };
}

const escapes: Record<string, string> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u2028': '\\L',
  '\u2029': '\\P',
};

function escaped(char: string): string {
  const known = escapes[char];
  if (known) return known;
  if (!isSpecial(char)) return char;
  const hex = char.codePointAt(0)!.toString(16).toUpperCase();
  if (hex.length <= 2) return `\\x${hex.padStart(2, '0')}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** Order of keys: letters by code, digits as numbers, and both behind everything else. */
function compareKeys(one: string, other: string): number {
  const [left, right] = [[...one], [...other]];
  const isLetter = (char: string) => /\p{L}/u.test(char);
  const isDigit = (char: string | undefined) => char !== undefined && /\p{Nd}/u.test(char);
  for (let at = 0; at < left.length && at < right.length; at++) {
    const [a, b] = [left[at]!, right[at]!];
    if (a === b) continue;
    if (isLetter(a) && isLetter(b)) return a < b ? -1 : 1;
    if (isLetter(a) || isLetter(b)) return isLetter(b) ? -1 : 1;
    const numberAt = (chars: readonly string[]) => {
      let end = at;
      while (isDigit(chars[end])) end++;
      // Behind a digit that counts, a zero is one.
      let start = at;
      while (start > 0 && isDigit(chars[start - 1])) start--;
      const counts = (a === '0' || b === '0') && left.slice(start, at).some((char) => char !== '0');
      return { end, value: BigInt(`${counts ? '1' : '0'}${chars.slice(at, end).join('')}`) };
    };
    const [x, y] = [numberAt(left), numberAt(right)];
    if (x.value !== y.value) return x.value < y.value ? -1 : 1;
    if (x.end !== y.end) return x.end - y.end;
    return a < b ? -1 : 1;
  }
  return left.length - right.length;
}

class Printer {
  readonly #parts: string[] = [];
  #column = 0;

  get text(): string {
    return this.#parts.join('');
  }

  #write(text: string): void {
    this.#parts.push(text);
    const end = text.lastIndexOf('\n');
    this.#column = end < 0 ? this.#column + text.length : text.length - end - 1;
  }

  #line(indent: number): void {
    this.#write(`\n${' '.repeat(indent)}`);
  }

  document(value: unknown): void {
    this.#value(value, 0, 'top');
    this.#write('\n');
  }

  /** `indent` is where the keys of a mapping, or the dashes of a list, would stand. */
  #value(value: unknown, indent: number, place: 'top' | 'key' | 'dash'): void {
    if (Array.isArray(value)) this.#list(value, indent, place);
    else if (typeof value === 'object' && value !== null) this.#map(value as Record<string, unknown>, indent, place);
    else {
      if (place !== 'top') this.#write(' ');
      if (typeof value === 'string') this.#text(value, Math.max(indent, 2));
      else this.#write(scalar(value));
    }
  }

  #list(items: readonly unknown[], indent: number, place: string): void {
    if (items.length === 0) {
      this.#write(place === 'top' ? '[]' : ' []');
      return;
    }
    // A list stands below its key, not to the right of it.
    const at = place === 'key' ? indent - 2 : indent;
    items.forEach((item, index) => {
      if (index === 0 && place === 'dash') this.#write(' ');
      else if (index > 0 || place !== 'top') this.#line(at);
      this.#write('-');
      this.#value(item, at + 2, 'dash');
    });
  }

  #map(map: Record<string, unknown>, indent: number, place: string): void {
    const keys = Object.keys(map)
      .filter((key) => map[key] !== undefined)
      .sort(compareKeys);
    if (keys.length === 0) {
      this.#write(place === 'top' ? '{}' : ' {}');
      return;
    }
    keys.forEach((key, index) => {
      if (index === 0 && place === 'dash') this.#write(' ');
      else if (index > 0 || place !== 'top') this.#line(indent);
      const isSimple = this.#key(key, indent);
      this.#value(map[key], indent + 2, isSimple ? 'key' : 'dash');
    });
  }

  /** False for one that is too long, or of several lines: its value begins beside its colon. */
  #key(key: string, indent: number): boolean {
    const isSimple = Buffer.byteLength(key) <= maxSimpleKey && !mannerOf(key).isMultiline;
    if (!isSimple) this.#write('? ');
    this.#text(key, indent + 2, isSimple);
    if (!isSimple) this.#line(indent);
    this.#write(':');
    return isSimple;
  }

  #text(text: string, indent: number, isSimpleKey = false): void {
    const manner = mannerOf(text);
    if (text.includes('\n') && manner.block && !isSimpleKey) this.#literal(text, indent);
    else if (text.includes('\n') || (!isBareText(text) && !text.includes('\n')))
      this.#doubleQuoted(text, indent, isSimpleKey);
    else if (manner.plain) this.#folded([...text], indent, isSimpleKey, false);
    else if (manner.singleQuoted && !(isSimpleKey && manner.isMultiline)) {
      this.#write("'");
      this.#folded([...text], indent, isSimpleKey, true);
      this.#write("'");
    } else this.#doubleQuoted(text, indent, isSimpleKey);
  }

  #folded(chars: readonly string[], indent: number, isSimpleKey: boolean, isQuoted: boolean): void {
    let isBehindSpace = false;
    chars.forEach((char, index) => {
      const isInside = !isQuoted || (index > 0 && index < chars.length - 1);
      const mayFold = !isSimpleKey && !isBehindSpace && this.#column > bestWidth && isInside;
      if (char === ' ' && mayFold && chars[index + 1] !== ' ') this.#line(indent);
      else this.#write(isQuoted && char === "'" ? "''" : char);
      isBehindSpace = char === ' ';
    });
  }

  #doubleQuoted(text: string, indent: number, isSimpleKey: boolean): void {
    const chars = [...text];
    let isBehindSpace = false;
    this.#write('"');
    chars.forEach((char, index) => {
      const isInside = index > 0 && index < chars.length - 1;
      if (char === ' ' && !isSimpleKey && !isBehindSpace && this.#column > bestWidth && isInside) {
        this.#line(indent);
        if (chars[index + 1] === ' ') this.#write('\\');
      } else this.#write(escaped(char));
      isBehindSpace = char === ' ';
    });
    this.#write('"');
  }

  #literal(text: string, indent: number): void {
    this.#write('|');
    if (text.startsWith(' ') || isBreak(text[0])) this.#write('2');
    if (!isBreak(text.at(-1))) this.#write('-');
    else if (text.length === 1 || isBreak(text.at(-2))) this.#write('+');
    const lines = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text.split('\n');
    for (const line of lines) this.#write(line === '' ? '\n' : `\n${' '.repeat(indent)}${line}`);
  }
}

function scalar(value: unknown): string {
  if (typeof value !== 'number' || (Number.isInteger(value) && Math.abs(value) < 1e21)) return String(value ?? null);
  const [digits, exponent] = value.toExponential().split('e') as [string, string];
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** `value` is what JSON can hold; big integers too. Callers bound its depth. */
export function printYaml(value: unknown): string {
  const printer = new Printer();
  printer.document(value);
  return printer.text;
}
