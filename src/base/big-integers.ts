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
