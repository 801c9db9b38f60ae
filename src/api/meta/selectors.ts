// Label selectors and field selectors as they stand in URLs, and LabelSelector objects. Errors are upstream's, word for
// word: clients print them.
import type { LabelSelector } from '../../../generated/meta-v1.ts';
import { goQuote } from './field-errors.ts';
import type { Requirement, RequirementOperator, Selector } from './labels.ts';
import { labelValueProblems, qualifiedNameProblems } from './names.ts';

/** What is wrong with a selector; the API answers 400 with this message. */
export class SelectorError extends Error {}

interface Token {
  readonly type: 'identifier' | 'symbol' | 'end' | 'error';
  readonly text: string;
}

const symbols = new Set([')', ',', '!', '==', '=', '!=', '(', '>', '<']);
const operators: Record<string, RequirementOperator> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

function scan(text: string): Token[] {
  const tokens: Token[] = [];
  for (const [, symbol, word] of text.matchAll(/([=!()<>,]+)|([^=!()<>,\s]+)/g)) {
    if (word !== undefined) tokens.push({ type: 'identifier', text: word });
    else tokens.push(...splitSymbols(symbol!));
  }
  return tokens;
}

/** Takes the longest symbol each time, as long as what was read so far is one. */
function splitSymbols(run: string): Token[] {
  const tokens: Token[] = [];
  for (let rest = run; rest !== ''; ) {
    const symbol = symbols.has(rest.slice(0, 2)) && rest.length > 1 ? rest.slice(0, 2) : rest.slice(0, 1);
    tokens.push({ type: 'symbol', text: symbol });
    rest = rest.slice(symbol.length);
  }
  return tokens;
}

const endToken: Token = { type: 'end', text: '' };

class SelectorParser {
  readonly #tokens: Token[];
  #position = 0;

  constructor(text: string) {
    this.#tokens = scan(text);
  }

  parse(): Selector {
    const requirements: Requirement[] = [];
    for (;;) {
      const token = this.#peek();
      if (token.type === 'end') return requirements;
      if (!startsRequirement(token)) fail(`found '${token.text}', expected: !, identifier, or 'end of string'`);
      requirements.push(this.#requirement());
      const next = this.#take();
      if (next.type === 'end') return requirements;
      if (next.text !== ',') fail(`found '${next.text}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (!startsRequirement(after)) fail(`found '${after.text}', expected: identifier after ','`);
    }
  }

  #peek(): Token {
    return this.#tokens[this.#position] ?? endToken;
  }

  #take(): Token {
    return this.#tokens[this.#position++] ?? endToken;
  }

  #requirement(): Requirement {
    try {
      return this.#tryRequirement();
    } catch (error) {
      throw new SelectorError(`unable to parse requirement: ${(error as Error).message}`);
    }
  }

  #tryRequirement(): Requirement {
    let token = this.#take();
    const isNegated = token.type === 'symbol' && token.text === '!';
    if (isNegated) token = this.#take();
    if (token.type !== 'identifier') fail(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const problems = qualifiedNameProblems(key);
    if (problems.length) fail(`<nil>: Invalid value: ${goQuote(key)}: ${problems.join('; ')}`);
    const next = this.#peek();
    if (next.type === 'end' || (next.type === 'symbol' && next.text === ',')) {
      return makeRequirement(key, isNegated ? '!' : 'exists', []);
    }
    if (isNegated) return makeRequirement(key, '!', []);
    const operatorToken = this.#take();
    const operator = Object.hasOwn(operators, operatorToken.text) ? operators[operatorToken.text] : undefined;
    if (!operator) fail(`found '${operatorToken.text}', expected: in, notin, =, ==, !=, gt, lt`);
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#exactValue()];
    return makeRequirement(key, operator!, values);
  }

  #values(): string[] {
    const open = this.#take();
    if (open.text !== '(') fail(`found '${open.text}' expected: '('`);
    const first = this.#peek();
    if (first.text === ')') {
      this.#take();
      return ['']; // as if the empty value stood there
    }
    if (first.type !== 'identifier' && first.text !== ',') {
      fail(`found '${first.text}', expected: ',', ')' or identifier`);
    }
    const values = this.#list();
    if (this.#take().text !== ')') fail(`found '${first.text}', expected: ')'`);
    return values;
  }

  #list(): string[] {
    const values: string[] = [];
    for (;;) {
      const token = this.#take();
      if (token.type === 'identifier') {
        values.push(token.text);
        const next = this.#peek();
        if (next.text === ')') return values;
        if (next.text !== ',') fail(`found '${next.text}', expected: ',' or ')'`);
      } else if (token.text === ',') {
        if (values.length === 0) values.push('');
        const next = this.#peek();
        if (next.text === ')') return [...values, ''];
        if (next.text === ',') {
          this.#take();
          values.push('');
        }
      } else {
        fail(`found '${token.text}', expected: ',', or identifier`);
      }
    }
  }

  #exactValue(): string {
    const next = this.#peek();
    if (next.type === 'end' || next.text === ',') return '';
    const token = this.#take();
    if (token.type !== 'identifier') fail(`found '${token.text}', expected: identifier`);
    return token.text;
  }
}

function startsRequirement(token: Token): boolean {
  return token.type === 'identifier' || token.text === '!';
}

function fail(message: string): never {
  throw new SelectorError(message);
}

/** A checked requirement; throws SelectorError. */
export function makeRequirement(key: string, operator: RequirementOperator, values: readonly string[]): Requirement {
  const sorted = [...new Set(values)].sort();
  const problems: string[] = [];
  const keyProblems = qualifiedNameProblems(key);
  if (keyProblems.length) problems.push(`key: Invalid value: ${goQuote(key)}: ${keyProblems.join('; ')}`);
  if ((operator === 'in' || operator === 'notin') && sorted.length === 0) {
    problems.push("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty");
  }
  if ((operator === 'exists' || operator === '!') && sorted.length > 0) {
    problems.push(
      `values: Invalid value: ${JSON.stringify(sorted)}: values set must be empty for exists and does not exist`,
    );
  }
  sorted.forEach((value, index) => {
    if ((operator === 'gt' || operator === 'lt') && !/^[+-]?[0-9]+$/.test(value)) {
      problems.push(
        `values[${index}]: Invalid value: ${goQuote(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
  });
  sorted.forEach((value, index) => {
    const valueProblems = labelValueProblems(value);
    if (valueProblems.length) {
      problems.push(`values[${index}][${key}]: Invalid value: ${goQuote(value)}: ${valueProblems.join('; ')}`);
    }
  });
  if (problems.length) fail(problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`);
  return { key, operator, values: sorted };
}

/** `app=web,tier in (a, b),!old`. Throws SelectorError. */
export function parseLabelSelector(text: string): Selector {
  if (text === '') return [];
  return new SelectorParser(text).parse();
}

const objectOperators: Record<string, RequirementOperator> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/** A LabelSelector object as requirements. Absent matches nothing and gives undefined. Throws SelectorError. */
export function selectorOf(selector: LabelSelector | undefined): Selector | undefined {
  if (!selector) return undefined;
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {}))
    requirements.push(makeRequirement(key, '=', [value]));
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = objectOperators[operator];
    if (!known) fail(`${goQuote(operator)} is not a valid label selector operator`);
    requirements.push(makeRequirement(key, known, values ?? []));
  }
  return requirements.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
}

/** Whether requirements can be made of it. An absent selector is fine: it selects nothing. */
export function isReadableSelector(selector: LabelSelector | undefined): boolean {
  try {
    selectorOf(selector);
    return true;
  } catch {
    return false; // validation names what is wrong with it
  }
}

/** The selector in the text form of URLs and of `scale.status.selector`. */
export function formatSelector(selector: Selector): string {
  return selector.map(formatRequirement).join(',');
}

function formatRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`;
    case 'gt':
      return `${key}>${values[0]}`;
    case 'lt':
      return `${key}<${values[0]}`;
    default:
      return `${key}${operator}${values[0]}`;
  }
}

/** One term of a field selector. */
export interface FieldRequirement {
  readonly field: string;
  readonly isEqual: boolean;
  readonly value: string;
}

/** `metadata.name=web,status.phase!=Running`, with `\,`, `\=` and `\\` escaped in values. Throws SelectorError. */
export function parseFieldSelector(text: string): FieldRequirement[] {
  const terms = (text.match(/(?:\\[\s\S]|[^\\,])+\\?|\\$/g) ?? []).sort();
  const read = terms.map((term) => {
    const match = /^([\s\S]*?)(!=|==|=)([\s\S]*)$/.exec(term);
    if (!match) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
    return { field: match[1]!, isEqual: match[2] !== '!=', value: unescapeValue(match[3]!) };
  });
  // A term of nothing at all asks for nothing.
  return read.filter(({ field, value }) => field !== '' || value !== '');
}

function unescapeValue(value: string): string {
  return value.replace(/\\([\s\S]?)|[,=]/g, (found, escaped: string | undefined) => {
    if (escaped === undefined) {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${found.charCodeAt(0)}`);
    }
    if (escaped !== '\\' && escaped !== ',' && escaped !== '=') {
      throw new SelectorError(`invalid field selector: invalid escape sequence: ${found}`);
    }
    return escaped;
  });
}

/** Whether an object with these field labels is selected. */
export function matchesFields(terms: readonly FieldRequirement[], fields: Readonly<Record<string, string>>): boolean {
  return terms.every(({ field, isEqual, value }) => ((fields[field] ?? '') === value) === isEqual);
}
