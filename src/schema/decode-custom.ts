// Bodies of custom resources. Called by codec.ts for types that no fact table has.
import type { CustomType } from './custom-types.ts';
import { parseKeepingIntegers } from './exact-decode.ts';
import { countKeys, duplicateKeys } from './structural/duplicate-keys.ts';

interface Body {
  readonly text: string;
  readonly tree: unknown;
  readonly keys: number;
  readonly hasOddNumbers: boolean;
}

export function decodeCustom(type: CustomType, body: Body, { strict }: { strict: boolean }) {
  const tree = body.hasOddNumbers ? parseExactly(body.text) : body.tree;
  const strictErrors: string[] = [];
  if (strict && countKeys(tree) !== body.keys) {
    for (const path of duplicateKeys(body.text)) strictErrors.push(`duplicate field ${JSON.stringify(path)}`);
  }
  const unknown: string[] = [];
  const object = type.canonical(tree, strict ? unknown : undefined);
  for (const path of unknown) strictErrors.push(`unknown field ${JSON.stringify(path)}`);
  return { object, strictErrors };
}

/** Whole numbers beyond 2^53 keep their digits as far as Go's int64 does; others are doubles. */
const parseExactly = (text: string): unknown =>
  parseKeepingIntegers(text, (digits) => BigInt.asIntN(64, digits) === digits);
