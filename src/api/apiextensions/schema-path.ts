// Paths of fields and map keys in schemas: `.spec.names['a.b'].x`.
import type { JSONSchemaProps } from '../../../generated/apiextensions-v1.ts';

interface Found {
  readonly schema: JSONSchemaProps | undefined;
  /** `spec.names[a.b].x` */
  readonly printed: string;
}

interface Lost {
  readonly problem: string;
}

const delimiters = ['.', '[', ']'];
const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
const lost: Lost = { problem: 'does not refer to a valid field' };

/** Delimiters, names and quoted strings. */
const tokensOf = (path: string): string[] => path.match(/[.[\]]|'(?:[^'\\]|\\.)*'|[^.[\]]+/gs) ?? [];

/** Where `path` leads from `root`. `allowsKeys`: with `['…']` too. */
export function schemaAt(root: JSONSchemaProps, path: string, allowsKeys = true): Found | Lost {
  let found: Found = { schema: root, printed: '' };
  const tokens = tokensOf(path).values();
  const next = () => tokens.next().value as string | undefined;
  for (let token = next(); token !== undefined; token = next()) {
    const isKey = token === '[';
    if (!isKey && token !== '.') return { problem: `expected [ or . but got: ${token}` };
    if (isKey && !allowsKeys) return { problem: 'array notation is not allowed' };
    const name = next();
    if (name === undefined) return { problem: 'unexpected end of JSON path' };
    if (isKey && (delimiters.includes(name) || !/^'.*'$/s.test(name))) {
      return { problem: `expected single quoted string but got ${name}` };
    }
    const below = stepTo(found, isKey ? unescaped(name.slice(1, -1)) : name);
    if ('problem' in below) return below;
    found = below;
    if (!isKey) continue;
    const end = next();
    if (end === undefined) return { problem: 'unexpected end of JSON path' };
    if (end !== ']') return { problem: `expected ] but got ${end}` };
  }
  return found;
}

const unescaped = (text: string): string => text.replace(/\\(.)/gs, (_, char: string) => escapes[char] ?? char);

function stepTo({ schema, printed }: Found, name: string): Found | Lost {
  const properties = schema?.properties;
  if (properties && Object.keys(properties).length > 0) {
    if (!Object.hasOwn(properties, name)) return lost;
    return { schema: properties[name], printed: printed ? `${printed}.${name}` : name };
  }
  const extra = schema?.additionalProperties as unknown;
  if (extra === undefined || extra === null) return lost;
  const below = typeof extra === 'object' ? (extra as JSONSchemaProps) : undefined;
  return { schema: below, printed: `${printed}[${name}]` };
}
