import { type FieldPath, goQuote } from './field-errors.ts';
import { quantityOf } from './quantity.ts';

/** Half a byte is no use to anybody. */
export function fractionWarnings(
  amounts: Readonly<Record<string, string>> | undefined,
  at: FieldPath,
  ...names: readonly string[]
): string[] {
  return names.flatMap((name) => {
    const amount = amounts?.[name];
    if (amount === undefined || quantityOf(amount).millis % 1000n === 0n) return [];
    return [`${at.key(name)}: fractional byte value ${goQuote(amount)} is invalid, must be an integer`];
  });
}
