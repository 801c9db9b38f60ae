// Says where two answers differ, a line each.

const most = 40;
const shownLength = 600;

export function differences(expected: unknown, seen: unknown, path = ''): string[] {
  if (Object.is(expected, seen)) return [];
  if (!areAlike(expected, seen)) return [`${path || 'answer'}: expected ${show(expected)}, got ${show(seen)}`];
  const [left, right] = [expected as Record<string, unknown>, seen as Record<string, unknown>];
  const lines: string[] = [];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    if (lines.length >= most) break;
    lines.push(...differences(own(left, key), own(right, key), path ? `${path}.${key}` : key));
  }
  return lines;
}

const own = (value: Record<string, unknown>, key: string) => (Object.hasOwn(value, key) ? value[key] : undefined);

function areAlike(a: unknown, b: unknown): boolean {
  const areObjects = a !== null && b !== null && typeof a === 'object' && typeof b === 'object';
  return areObjects && Array.isArray(a) === Array.isArray(b);
}

function show(value: unknown): string {
  if (value === undefined) return '(absent)';
  const text = JSON.stringify(value);
  return text.length > shownLength ? `${text.slice(0, shownLength)}… (${text.length} characters)` : text;
}
