// Paths of fields below a rule: `.spec.names['a.b'].x`.
import type { SchemaNode } from './node.ts';

const steps = /\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\]/y;
const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** As errors print it: `spec.names[a.b].x`; undefined: it leads to no field. */
export function fieldPathOf(path: string, schema: SchemaNode): string | undefined {
  let printed = '';
  let node: SchemaNode | undefined = schema;
  for (let at = 0; at < path.length; at = steps.lastIndex) {
    steps.lastIndex = at;
    const match = steps.exec(path);
    if (!match || !node) return undefined;
    const name: string = match[1] ?? match[2]!.replace(/\\(.)/g, (_, char: string) => escapes[char] ?? char);
    if (node.properties.size > 0) {
      node = node.properties.get(name);
      if (!node) return undefined;
      printed += printed === '' ? name : `.${name}`;
    } else {
      if (typeof node.additional !== 'object') return undefined;
      node = node.additional;
      printed += `[${name}]`;
    }
  }
  return printed;
}
