// The part of JSONPath that printer columns use: fields, indexes, slices, wildcards, recursive descent, filters.
// `.spec.ports[*].name`, `.status.conditions[?(@.type=="Ready")].status`, `.metadata.annotations.example\.com/x`.

interface Filter {
  readonly left: readonly Step[];
  readonly operator: string;
  readonly right: { readonly path: readonly Step[] } | { readonly value: unknown } | undefined;
}

type Step =
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'wildcard' }
  | { readonly type: 'descend' }
  | { readonly type: 'slice'; readonly start?: number; readonly end?: number; readonly step: number }
  | { readonly type: 'filter'; readonly filter: Filter };

export class JsonPathError extends Error {}

const maxLength = 4096;
/** What one path may find: columns are cells, not reports. */
const maxResults = 10_000;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Step[] {
    const steps: Step[] = [];
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at];
      if (char === '.') {
        this.#at++;
        if (this.#text[this.#at] === '.') {
          this.#at++;
          steps.push({ type: 'descend' });
          if (this.#text[this.#at] === '[') continue;
        }
        this.#name(steps);
      } else if (char === '[') {
        steps.push(this.#bracket());
      } else throw new JsonPathError(`unexpected ${JSON.stringify(char)} at ${this.#at}`);
    }
    return steps;
  }

  #name(steps: Step[]): void {
    let name = '';
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at]!;
      if (char === '\\') {
        name += this.#text[this.#at + 1] ?? '';
        this.#at += 2;
        continue;
      }
      if (char === '.' || char === '[' || char === ' ') break;
      name += char;
      this.#at++;
    }
    if (name === '*') steps.push({ type: 'wildcard' });
    else if (name !== '') steps.push({ type: 'field', name });
  }

  #bracket(): Step {
    const end = this.#closing();
    const inner = this.#text.slice(this.#at + 1, end).trim();
    this.#at = end + 1;
    if (inner === '*') return { type: 'wildcard' };
    if (inner.startsWith('?(') && inner.endsWith(')'))
      return { type: 'filter', filter: parseFilter(inner.slice(2, -1)) };
    const quoted = /^'((?:[^'\\]|\\.)*)'$|^"((?:[^"\\]|\\.)*)"$/.exec(inner);
    if (quoted) return { type: 'field', name: (quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/g, '$1') };
    const slice = /^(-?\d*)(?::(-?\d*))?(?::(\d*))?$/.exec(inner);
    if (!slice || inner === '') throw new JsonPathError(`invalid array index ${inner}`);
    return sliceStep(slice);
  }

  /** The bracket that ends this one, past quotes and brackets within. */
  #closing(): number {
    let depth = 0;
    let quote = '';
    for (let at = this.#at; at < this.#text.length; at++) {
      const char = this.#text[at]!;
      if (quote) {
        if (char === '\\') at++;
        else if (char === quote) quote = '';
      } else if (char === "'" || char === '"') quote = char;
      else if (char === '[') depth++;
      else if (char === ']' && --depth === 0) return at;
    }
    throw new JsonPathError('unterminated array');
  }
}

function sliceStep([whole, start, end, step]: RegExpExecArray): Step {
  const isIndex = !whole.includes(':');
  const number = (text: string | undefined) => (text ? Number(text) : undefined);
  const from = number(start);
  const to = isIndex ? (from === -1 ? undefined : from! + 1) : number(end);
  return {
    type: 'slice',
    ...(from === undefined ? {} : { start: from }),
    ...(to === undefined ? {} : { end: to }),
    step: number(step) || 1,
  };
}

const filterPattern = /^\s*@((?:[^=!<>"']|"[^"]*"|'[^']*')*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*$/;

function parseFilter(text: string): Filter {
  const match = filterPattern.exec(text);
  if (!match) throw new JsonPathError(`unrecognized filter ${text}`);
  const [, left, operator = '', right] = match;
  return { left: new Parser(left ?? '').parse(), operator, right: right === undefined ? undefined : operand(right) };
}

function operand(text: string): NonNullable<Filter['right']> {
  if (text.startsWith('@')) return { path: new Parser(text.slice(1)).parse() };
  const quoted = /^'(.*)'$|^"(.*)"$/.exec(text);
  if (quoted) return { value: quoted[1] ?? quoted[2] ?? '' };
  if (text === 'true' || text === 'false') return { value: text === 'true' };
  if (/^-?\d+(\.\d+)?$/.test(text)) return { value: Number(text) };
  throw new JsonPathError(`unrecognized operand ${text}`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function childrenOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return isObject(value) ? Object.values(value) : [];
}

function takeStep(values: readonly unknown[], step: Step): unknown[] {
  switch (step.type) {
    case 'field':
      return values.flatMap((value) => (isObject(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : []));
    case 'wildcard':
      return values.flatMap(childrenOf);
    case 'descend':
      return descend(values);
    case 'slice':
      return values.flatMap((value) => (Array.isArray(value) ? sliced(value, step) : []));
    case 'filter':
      return values.flatMap((value) => (Array.isArray(value) ? value.filter((item) => passes(item, step.filter)) : []));
  }
}

function descend(values: readonly unknown[]): unknown[] {
  const found: unknown[] = [];
  const pending = [...values].reverse();
  while (pending.length > 0 && found.length < maxResults) {
    const next = pending.pop();
    if (typeof next !== 'object' || next === null) continue;
    found.push(next);
    pending.push(...childrenOf(next).reverse());
  }
  return found;
}

function sliced(list: readonly unknown[], { start = 0, end, step }: Extract<Step, { type: 'slice' }>): unknown[] {
  const from = start < 0 ? list.length + start : start;
  const to = end === undefined ? list.length : end < 0 ? list.length + end : Math.min(end, list.length);
  const taken: unknown[] = [];
  for (let index = Math.max(0, from); index < to; index += step) taken.push(list[index]);
  return taken;
}

function passes(item: unknown, { left, operator, right }: Filter): boolean {
  const mine = walk(item, left);
  if (!right) return mine.length > 0;
  const theirs = 'path' in right ? walk(item, right.path) : [right.value];
  if (mine.length === 0 || theirs.length === 0) return false;
  return compare(mine[0], theirs[0], operator);
}

function compare(a: any, b: any, operator: string): boolean {
  switch (operator) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    default:
      return a >= b;
  }
}

function walk(root: unknown, steps: readonly Step[]): unknown[] {
  let values: unknown[] = [root];
  for (const step of steps) {
    values = takeStep(values, step);
    if (values.length === 0) break;
    if (values.length > maxResults) values = values.slice(0, maxResults);
  }
  return values;
}

/** Everything a path finds in an object. @throws JsonPathError for what is no path */
export function compileJsonPath(text: string): (root: unknown) => unknown[] {
  if (text.length > maxLength) throw new JsonPathError('too long');
  const steps = new Parser(text.startsWith('.') || text.startsWith('[') ? text : `.${text}`).parse();
  return (root) => walk(root, steps);
}
