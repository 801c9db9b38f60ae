// Tokens to a tree. Depth is limited as upstream limits it, so that nothing that walks a tree can run out of stack.
import type { Expr, MapEntry, StructField } from './ast.ts';
import { expecting, expressionStart, startsOperand } from './expected-tokens.ts';
import { type Token, tokenize } from './lexer.ts';
import { literalOf } from './literals.ts';
import { expandMacro, type MacroOptions } from './macros.ts';
import { codePoints, type Issues } from './parse-errors.ts';

const maxDepth = 250;
const maxCodePoints = 100_000;

const reserved = new Set(
  'as break const continue else false for function if import in let loop package namespace null return true var void while'.split(
    ' ',
  ),
);
const relations = new Set(['<', '<=', '>=', '>', '==', '!=']);
/** Ends the reading; the issue is reported already. */
class Stop extends Error {}

/** How deep a node is, counted as upstream's visitor does. */
const depths = new WeakMap<Expr, number>();

const binaryOperators = new Set(['*', '/', '%', '+', '&&', '||', '==', '!=', '<', '<=', '>', '>=', 'in', '?']);
const maxBareOperators = 50;

class Parser {
  readonly #tokens: readonly Token[];
  readonly #issues: Issues;
  readonly #has: MacroOptions;
  #next = 0;
  /** How deep each kind of rule is nested now. */
  readonly #nested = { expr: 0, relation: 0, calc: 0, member: 0 };

  constructor(tokens: readonly Token[], issues: Issues, has: MacroOptions) {
    this.#tokens = tokens;
    this.#issues = issues;
    this.#has = has;
  }

  start(): Expr {
    const expr = this.#expr();
    const token = this.#peek();
    if (token.kind !== 'end') this.#unexpectedEnd(token);
    return expr;
  }

  /** What is left over after a whole expression. */
  #unexpectedEnd(token: Token): never {
    const isOnly = this.#tokens[this.#next + 1]?.kind === 'end';
    this.#syntax(token, `${isOnly ? 'extraneous' : 'mismatched'} input '${token.text}' expecting <EOF>`);
  }

  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)]!;
  }

  #take(): Token {
    const token = this.#peek();
    if (this.#next < this.#tokens.length - 1) this.#next++;
    return token;
  }

  #is(text: string, ahead = 0): boolean {
    const token = this.#peek(ahead);
    return token.text === text && (token.kind === 'punctuation' || token.kind === 'keyword');
  }

  #takeIf(text: string): Token | undefined {
    return this.#is(text) ? this.#take() : undefined;
  }

  /** As upstream's parser mends things: a token too much is skipped, one too few is taken for there. */
  #expect(text: string, expecting = `'${text}'`): Token {
    const token = this.#takeIf(text);
    if (token) return token;
    const found = this.#peek();
    if (found.kind !== 'end' && this.#is(text, 1)) {
      this.#issues.add(found.at, `Syntax error: extraneous input '${found.text}' expecting ${expecting}`);
      this.#take();
      return this.#take();
    }
    if ((text === ')' || text === ']') && expecting === `'${text}'` && this.#mayFollow(found)) {
      this.#issues.add(found.at, `Syntax error: missing '${text}' at '${found.text}'`);
      return found;
    }
    this.#syntax(found, `mismatched input '${found.text}' expecting ${expecting}`);
  }

  /** What the innermost bracket that is still open lets follow. */
  readonly #followers: string[][] = [];

  #mayFollow(token: Token): boolean {
    const allowed = this.#followers.at(-1);
    return allowed ? token.kind === 'punctuation' && allowed.includes(token.text) : token.kind === 'end';
  }

  /** Between brackets. */
  #within<T>(followers: string[], work: () => T): T {
    this.#followers.push(followers);
    const result = work();
    this.#followers.pop();
    return result;
  }

  /** Reports what cannot begin an expression, with what else might have stood there. */
  #checkStart(others: readonly string[]): void {
    const token = this.#peek();
    if (startsOperand(token)) return;
    const next = this.#peek(1);
    const isExtra = token.kind !== 'end' && (startsOperand(next) || others.includes(`'${next.text}'`));
    this.#syntax(
      token,
      `${isExtra ? 'extraneous' : 'mismatched'} input '${token.text}' expecting ${expecting(others)}`,
    );
  }

  #syntax(token: Token, message: string): never {
    this.#issues.add(token.at, `Syntax error: ${message}`);
    throw new Stop();
  }

  #nest<T>(kind: 'expr', work: () => T): T {
    this.#nested[kind]++;
    this.#checkNesting(this.#nested[kind]);
    const result = work();
    this.#nested[kind]--;
    return result;
  }

  #checkNesting(depth: number): void {
    if (depth <= maxDepth) return;
    this.#issues.add(-1, `expression recursion limit exceeded: ${maxDepth}`);
    throw new Stop();
  }

  /** Notes the depth of a node that upstream counts (`own` 1) or passes over (0). */
  #deep<T extends Expr>(expr: T, own: 0 | 1, ...children: readonly (Expr | undefined)[]): T {
    let deepest = 0;
    for (const child of children) if (child) deepest = Math.max(deepest, depths.get(child) ?? 0);
    if (deepest + own > maxDepth) {
      this.#issues.add(-1, 'max recursion depth exceeded');
      throw new Stop();
    }
    depths.set(expr, deepest + own);
    return expr;
  }

  #expr(): Expr {
    return this.#nest('expr', () => {
      const condition = this.#logical('||');
      const question = this.#takeIf('?');
      if (!question) return condition;
      const yes = this.#within([':'], () => this.#logical('||'));
      this.#expect(':');
      const no = this.#expr();
      return this.#call(question.at, '_?_:_', [condition, yes, no], 1);
    });
  }

  /** `||` and `&&` take any number of terms, as a balanced tree. */
  #logical(sign: '||' | '&&'): Expr {
    const term = () => (sign === '||' ? this.#logical('&&') : this.#relation());
    const terms = [term()];
    const places: number[] = [];
    for (let operator = this.#takeIf(sign); operator; operator = this.#takeIf(sign)) {
      places.push(operator.at);
      terms.push(term());
    }
    return this.#balanced(sign === '||' ? '_||_' : '_&&_', terms, places, 0, places.length - 1);
  }

  #balanced(name: string, terms: readonly Expr[], places: readonly number[], low: number, high: number): Expr {
    if (high < low) return terms[low]!;
    const middle = Math.floor((low + high + 1) / 2);
    const left = this.#balanced(name, terms, places, low, middle - 1);
    const right = this.#balanced(name, terms, places, middle + 1, high);
    return this.#call(places[middle]!, name, [left, right], 0);
  }

  #relation(): Expr {
    return this.#chain(
      'relation',
      () => this.#sum(),
      () => {
        const token = this.#peek();
        if (token.kind === 'punctuation' && relations.has(token.text)) return `_${token.text}_`;
        return token.kind === 'keyword' && token.text === 'in' ? '@in' : undefined;
      },
    );
  }

  #sum(): Expr {
    return this.#chain(
      'calc',
      () => this.#product(),
      () => this.#operator('+', '-'),
    );
  }

  #product(): Expr {
    return this.#chain(
      'calc',
      () => this.#unary(),
      () => this.#operator('*', '/', '%'),
    );
  }

  #operator(...signs: string[]): string | undefined {
    const { kind, text } = this.#peek();
    return kind === 'punctuation' && signs.includes(text) ? `_${text}_` : undefined;
  }

  /** Left-associative: each operator takes all before it, one level deeper. */
  #chain(kind: 'relation' | 'calc', operand: () => Expr, operator: () => string | undefined): Expr {
    this.#nested[kind]++;
    this.#checkNesting(this.#nested[kind]);
    let left = operand();
    let added = 1;
    for (let name = operator(); name; name = operator()) {
      const { at } = this.#take();
      added++;
      this.#nested[kind]++;
      this.#checkNesting(this.#nested[kind]);
      left = this.#call(at, name, [left, operand()], 1);
    }
    this.#nested[kind] -= added;
    return left;
  }

  #unary(): Expr {
    const first = this.#peek();
    const sign = first.kind === 'punctuation' && (first.text === '!' || first.text === '-') ? first.text : undefined;
    if (!sign) return this.#member(expressionStart);
    const isNumber = this.#peek(1).kind === 'int' || this.#peek(1).kind === 'float';
    if (sign === '-' && isNumber) return this.#member(expressionStart);
    let count = 0;
    while (this.#takeIf(sign)) count++;
    const operand = this.#member(expressionStart);
    if (count % 2 === 0) return operand;
    return this.#call(first.at, sign === '!' ? '!_' : '-_', [operand], 0);
  }

  #member(expecting: string): Expr {
    let added = 1;
    this.#nested.member++;
    this.#checkNesting(this.#nested.member);
    let left = this.#primary(expecting);
    for (;;) {
      const next = this.#is('.') ? this.#select(left) : this.#is('[') ? this.#index(left) : undefined;
      if (!next) break;
      left = next;
      added++;
      this.#nested.member++;
      this.#checkNesting(this.#nested.member);
    }
    this.#nested.member -= added;
    return left;
  }

  #select(operand: Expr): Expr {
    const dot = this.#take();
    const isOptional = Boolean(this.#takeIf('?'));
    const name = this.#peek();
    if (name.kind !== 'identifier' && name.kind !== 'escaped') {
      if (name.kind === 'keyword' && !isOptional) this.#noField(dot, name);
      this.#syntax(
        name,
        isOptional
          ? `mismatched input '${name.text}' expecting {IDENTIFIER, ESC_IDENTIFIER}`
          : `no viable alternative at input '${textBetween(dot, name)}'`,
      );
    }
    this.#take();
    if (name.kind === 'escaped') this.#issues.add(name.at, "unsupported syntax: '`'");
    if (!isOptional && name.kind === 'identifier' && this.#is('(')) {
      const open = this.#take();
      const args = this.#args();
      return this.#callOrMacro(open.at, name.text, operand, args);
    }
    if (isOptional) {
      const field: Expr = { kind: 'literal', at: name.at, value: name.text };
      return this.#call(dot.at, '_?._', [operand, field], 1);
    }
    return this.#deep({ kind: 'select', at: dot.at, operand, field: name.text, isTest: false }, 1, operand);
  }

  /** `a.true`: upstream has words of its own for these. */
  #noField(dot: Token, name: Token): never {
    if (name.text === 'in') this.#syntax(name, `no viable alternative at input '${textBetween(dot, name)}'`);
    this.#syntax(name, `mismatched input '${name.text}' expecting IDENTIFIER`);
  }

  #index(operand: Expr): Expr {
    const open = this.#take();
    const isOptional = Boolean(this.#takeIf('?'));
    if (!isOptional) this.#checkStart(["'?'"]);
    const index = this.#within([']'], () => this.#expr());
    this.#expect(']');
    return this.#call(open.at, isOptional ? '_[?_]' : '_[_]', [operand, index], 1);
  }

  #args(): Expr[] {
    const args: Expr[] = [];
    if (this.#takeIf(')')) return args;
    this.#checkStart(["')'"]);
    this.#within([')', ','], () => {
      do args.push(this.#expr());
      while (this.#takeIf(','));
    });
    this.#expect(')');
    return args;
  }

  #primary(expecting: string): Expr {
    const token = this.#peek();
    if (token.kind === 'identifier' || this.#is('.')) return this.#named();
    if (this.#is('(')) {
      this.#take();
      const expr = this.#within([')'], () => this.#expr());
      this.#expect(')');
      return expr;
    }
    if (this.#is('[')) return this.#list();
    if (this.#is('{')) return this.#map();
    const literal = this.#literal();
    if (literal) return literal;
    const found = this.#peek();
    // A single token too much is said to be just that.
    const isExtra = found.kind !== 'end' && startsOperand(this.#peek(1));
    if (!isExtra) this.#checkOperators(expecting);
    const last = this.#peek();
    this.#syntax(last, `${isExtra ? 'extraneous' : 'mismatched'} input '${last.text}' expecting ${expecting}`);
  }

  /** Operators without what they work on: upstream's parser looks for the right side of each. */
  #checkOperators(expecting: string): void {
    for (let count = 0; count < maxBareOperators && binaryOperators.has(this.#peek().text); count++) {
      const { at, text } = this.#take();
      this.#issues.add(at, `Syntax error: mismatched input '${text}' expecting ${expecting}`);
    }
  }

  #named(): Expr {
    const dot = this.#takeIf('.');
    const first = this.#peek();
    if (first.kind !== 'identifier') {
      this.#syntax(first, `no viable alternative at input '${dot ? textBetween(dot, first) : first.text}'`);
    }
    this.#take();
    const prefix = dot ? '.' : '';
    if (this.#is('(')) {
      const open = this.#take();
      const args = this.#args();
      this.#checkReserved(first, dot ?? first);
      return this.#callOrMacro(open.at, prefix + first.text, undefined, args);
    }
    const struct = this.#structAhead();
    if (struct !== undefined) return this.#struct(prefix + first.text, struct);
    this.#checkReserved(first, dot ?? first);
    return this.#deep({ kind: 'ident', at: first.at, name: prefix + first.text }, 0);
  }

  #checkReserved(token: Token, at: Token): void {
    if (reserved.has(token.text)) this.#issues.add(at.at, `reserved identifier: ${token.text}`);
  }

  /** How many tokens of `.name` stand before a `{`; undefined: this is no object. */
  #structAhead(): number | undefined {
    let ahead = 0;
    while (this.#is('.', ahead) && this.#peek(ahead + 1).kind === 'identifier') ahead += 2;
    return this.#is('{', ahead) ? ahead : undefined;
  }

  #struct(first: string, tokens: number): Expr {
    let name = first;
    for (let index = 0; index < tokens; index++) name += this.#take().text;
    const open = this.#take();
    const fields: StructField[] = [];
    while (!this.#is('}')) {
      const isOptional = Boolean(this.#takeIf('?'));
      const field = this.#peek();
      if (field.kind !== 'identifier' && field.kind !== 'escaped') {
        this.#syntax(
          field,
          `mismatched input '${field.text}' expecting ${isOptional ? '{IDENTIFIER, ESC_IDENTIFIER}' : "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}"}`,
        );
      }
      this.#take();
      if (field.kind === 'escaped') this.#issues.add(field.at, "unsupported syntax: '`'");
      const colon = this.#expect(':');
      fields.push({ at: colon.at, name: field.text, value: this.#expr(), isOptional });
      if (!this.#takeIf(',')) break;
    }
    this.#expect('}', "{'}', ','}");
    return this.#deep({ kind: 'struct', at: open.at, name, fields }, 0, ...fields.map(({ value }) => value));
  }

  #list(): Expr {
    const open = this.#take();
    const items: Expr[] = [];
    const optional = new Set<number>();
    if (this.#is(',') && this.#is(']', 1)) this.#take();
    if (!this.#is(']') && !this.#is('?')) this.#checkStart(["']'", "','", "'?'"]);
    this.#within([']', ','], () => {
      while (!this.#is(']')) {
        if (this.#takeIf('?')) optional.add(items.length);
        items.push(this.#expr());
        if (!this.#takeIf(',')) break;
      }
    });
    this.#expect(']', "{']', ','}");
    return this.#deep({ kind: 'list', at: open.at, items, optional }, 0, ...items);
  }

  #map(): Expr {
    const open = this.#take();
    const entries: MapEntry[] = [];
    if (this.#is(',') && this.#is('}', 1)) this.#take();
    if (!this.#is('}') && !this.#is('?')) this.#checkStart(["'}'", "','", "'?'"]);
    while (!this.#is('}')) {
      const isOptional = Boolean(this.#takeIf('?'));
      const key = this.#within([':'], () => this.#expr());
      const colon = this.#expect(':');
      entries.push({ at: colon.at, key, value: this.#within(['}', ','], () => this.#expr()), isOptional });
      if (!this.#takeIf(',')) break;
    }
    this.#expect('}', "{'}', ','}");
    return this.#deep({ kind: 'map', at: open.at, entries }, 0, ...entries.flatMap(({ key, value }) => [key, value]));
  }

  #literal(): Expr | undefined {
    const sign = this.#is('-') ? this.#take() : undefined;
    const token = this.#peek();
    const at = (sign ?? token).at;
    const isNumber = token.kind === 'int' || token.kind === 'float';
    const value =
      sign && !isNumber ? undefined : literalOf(token, sign !== undefined, (problem) => this.#issues.add(at, problem));
    if (value === undefined) return undefined;
    this.#take();
    return this.#deep({ kind: 'literal', at, value }, 0);
  }

  #call(at: number, name: string, args: readonly Expr[], own: 0 | 1): Expr {
    return this.#deep({ kind: 'call', at, name, target: undefined, args }, own, ...args);
  }

  #callOrMacro(at: number, name: string, target: Expr | undefined, args: readonly Expr[]): Expr {
    const expansion = expandMacro({ at, name, target, args }, this.#has);
    if (expansion && 'expr' in expansion) return this.#deep(expansion.expr, target ? 1 : 0, target, ...args);
    if (expansion) this.#issues.add(expansion.at, expansion.error);
    return this.#deep({ kind: 'call', at, name, target, args }, target ? 1 : 0, target, ...args);
  }
}

const textBetween = (from: Token, to: Token): string => from.text + (to.kind === 'end' ? '' : to.text);

/** undefined: it could not be read, and `issues` says why. */
export function parse(source: string, issues: Issues, has: MacroOptions): Expr | undefined {
  const size = source.length > maxCodePoints ? codePoints(source) : 0;
  if (size > maxCodePoints) {
    issues.add(-1, `expression code point size exceeds limit: size: ${size}, limit ${maxCodePoints}`);
    return undefined;
  }
  const { tokens, errors } = tokenize(source);
  for (const { at, message } of errors) issues.add(at, `Syntax error: ${message}`);
  try {
    return new Parser(tokens, issues, has).start();
  } catch (error) {
    if (error instanceof Stop) return undefined;
    throw error;
  }
}
