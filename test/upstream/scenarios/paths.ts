// Reads `status.conditions[type=Available].status`, `metadata.annotations["a.b/c"]`, `items[0]`.
const part = /\["([^"]+)"\]|\[([\w.]+)=([^\]]+)\]|\[(\d+)\]|([^.[\]]+)/g;

export function valueAt(object: unknown, path: string): any {
  let value: any = object;
  for (const [, quoted, key, wanted, index, plain] of path.matchAll(part)) {
    if (value === undefined || value === null) return undefined;
    if (key) value = value.find?.((item: any) => String(item[key]) === wanted);
    else value = value[(quoted ?? index ?? plain)!];
  }
  return value;
}

/** The values at these paths, by path; absent ones are left out. */
export function pick(object: unknown, paths: readonly string[]): Record<string, unknown> {
  const found = paths.map((path) => [path, valueAt(object, path)] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

/** True when each path holds this text. */
export function matches(object: unknown, where: Readonly<Record<string, unknown>> = {}): boolean {
  return Object.entries(where).every(([path, wanted]) => String(valueAt(object, path) ?? '') === String(wanted));
}
