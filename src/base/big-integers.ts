// Integers beyond 2^53 are kept as BigInt inside objects. JSON.stringify refuses BigInt unless it has a toJSON; with this
// one it prints the digits. Installed when the first such number may appear.

export function enableBigIntJson(): void {
  if (Object.hasOwn(BigInt.prototype, 'toJSON')) return;
  const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
  Object.defineProperty(BigInt.prototype, 'toJSON', {
    value(this: bigint): unknown {
      return rawJson(this.toString());
    },
    configurable: true,
    writable: true,
  });
}

/** Every integer of fewer digits is exact as a number. */
const bigDigits = 16;

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** Whether there are so many digits in a row. Looks at one byte of sixteen, as long as that is none. */
export function hasLongDigits(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
  for (let at = start + bigDigits - 1; at < end; at += bigDigits) {
    if (!isDigit(bytes[at]!)) continue;
    let first = at;
    while (first > start && isDigit(bytes[first - 1]!)) first--;
    let last = at;
    while (last + 1 < end && isDigit(bytes[last + 1]!)) last++;
    if (last - first + 1 >= bigDigits) return true;
  }
  return false;
}

/** JSON.parse for bytes of ours, with big integers as BigInt. */
export function parseStored(bytes: Buffer, start = 0, end = bytes.length): unknown {
  const text = bytes.toString('utf8', start, end);
  if (!hasLongDigits(bytes, start, end)) return JSON.parse(text);
  enableBigIntJson();
  return JSON.parse(text, keepBig as (key: string, value: unknown) => unknown);
}

function keepBig(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !source) return value;
  return /^-?[0-9]+$/.test(source) ? BigInt(source) : value;
}
