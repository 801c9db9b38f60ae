// Bodies of custom resources. Called by codec.ts for types that no fact table has.
import { enableBigIntJson } from '../base/big-integers.ts';
import type { CustomType } from './custom-types.ts';
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

/** Whole numbers beyond 2^53 keep their digits. */
function parseExactly(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  enableBigIntJson();
  return JSON.parse(text, ((_key, value, context?: { source?: string }) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
    const source = context?.source ?? '';
    if (!/^-?\d{16,19}$/.test(source)) return value;
    const exact = BigInt(source);
    return BigInt.asIntN(64, exact) === exact ? exact : value;
  }) as (key: string, value: unknown) => unknown);
}
