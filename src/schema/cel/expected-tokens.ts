// What upstream's parser says it expected, in its order.
import type { Token } from './lexer.ts';

export const expressionStart =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const tokenOrder =
  "'==' '!=' 'in' '<' '<=' '>=' '>' '&&' '||' '[' ']' '{' '}' '(' ')' '.' ',' '-' '!' '?' ':' '+' '*' '/' '%' 'true' 'false' 'null' NUM_FLOAT NUM_INT NUM_UINT STRING BYTES IDENTIFIER".split(
    ' ',
  );
const startTokens = expressionStart.slice(1, -1).split(', ');

/** What can begin an expression, and what else might have stood in its place. */
export function expecting(others: readonly string[]): string {
  const wanted = [...startTokens, ...others];
  return `{${wanted.sort((one, other) => tokenOrder.indexOf(one) - tokenOrder.indexOf(other)).join(', ')}}`;
}

export function startsOperand(token: Token): boolean {
  if (token.kind === 'punctuation') return '[{(.-!'.includes(token.text);
  if (token.kind === 'keyword') return token.text !== 'in';
  return token.kind !== 'end' && token.kind !== 'escaped';
}
