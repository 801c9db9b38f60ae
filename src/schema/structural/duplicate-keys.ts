// Finds keys that a JSON text has twice in one object. Only asked when counting keys says that there are some.

interface Frame {
  readonly keys: Set<string> | undefined;
  readonly path: string;
  index: number;
  key: string;
}

/** How many keys a parsed tree has; not recursive. */
export function countKeys(root: unknown): number {
  let count = 0;
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next !== 'object' || next === null) continue;
    const children = Object.values(next);
    if (!Array.isArray(next)) count += children.length;
    for (const child of children) if (typeof child === 'object' && child !== null) pending.push(child);
  }
  return count;
}

/** Paths of duplicates in document order, each once: `spec.a`, `spec.list[0].b`. The text is known to be JSON. */
export function duplicateKeys(text: string): string[] {
  const found = new Set<string>();
  const stack: Frame[] = [];
  const tokens = /"(?:[^"\\]|\\.)*"|[[\]{},:]/g;
  let lastString = '';
  const pathHere = (): string => {
    const frame = stack.at(-1);
    if (!frame) return '';
    if (!frame.keys) return `${frame.path}[${frame.index}]`;
    return frame.path ? `${frame.path}.${frame.key}` : frame.key;
  };
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const token = match[0];
    const frame = stack.at(-1);
    if (token === '{') stack.push({ keys: new Set(), path: pathHere(), index: 0, key: '' });
    else if (token === '[') stack.push({ keys: undefined, path: pathHere(), index: 0, key: '' });
    else if (token === '}' || token === ']') stack.pop();
    else if (token === ',') {
      if (frame && !frame.keys) frame.index++;
    } else if (token === ':') {
      if (!frame?.keys) continue;
      frame.key = JSON.parse(lastString) as string;
      if (frame.keys.has(frame.key)) found.add(pathHere());
      frame.keys.add(frame.key);
    } else lastString = token;
  }
  return [...found];
}
