/** A patch that cannot be applied. `code` is what the API answers; 422 and 500 come without a reason of ours. */
export class PatchError extends Error {
  override readonly name = 'PatchError';
  readonly code: 400 | 413 | 422 | 500;

  constructor(code: 400 | 413 | 422 | 500, message: string) {
    super(message);
    this.code = code;
  }
}

export type Json = unknown;
export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Go's name of what a JSON value is decoded to. */
export function goTypeOf(value: unknown): string {
  if (value === null || value === undefined) return '%!s(<nil>)';
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'object') return 'map[string]interface {}';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'bigint' || Number.isInteger(value) ? 'int64' : 'float64';
}

/** How Go's %v prints a decoded JSON value: upstream's patch errors quote values so. */
export function goPrint(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goPrint).join(' ')}]`;
  if (isObject(value)) {
    const entries = Object.keys(value).sort();
    return `map[${entries.map((key) => `${key}:${goPrint(value[key])}`).join(' ')}]`;
  }
  return String(value);
}
