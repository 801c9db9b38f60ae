// Documents of servers behind us in our own: their paths, and what these refer to.
import { isDeepStrictEqual } from 'node:util';

export interface RemoteOpenApi {
  readonly group: string;
  readonly version: string;
  /** The server's whole OpenAPI v2 document, JSON. */
  readonly document: Uint8Array;
}

type Schemas = Record<string, unknown>;

export interface SwaggerDocument {
  paths: Schemas;
  definitions: Schemas;
}

const reference = '#/definitions/';

/** Adds to `own`. What cannot be read is left out. */
export function mergeOpenApi(own: SwaggerDocument, remotes: readonly RemoteOpenApi[]): void {
  for (const { group, version, document } of remotes) {
    let remote: Partial<SwaggerDocument>;
    try {
      remote = JSON.parse(Buffer.from(document).toString()) as Partial<SwaggerDocument>;
    } catch {
      continue;
    }
    addPaths(own, remote, group ? `/apis/${group}/${version}` : `/api/${version}`);
  }
}

function addPaths(
  own: SwaggerDocument,
  { paths = {}, definitions = {} }: Partial<SwaggerDocument>,
  root: string,
): void {
  const chosen = Object.entries(paths).filter(([path]) => path === root || path.startsWith(`${root}/`));
  const fresh = chosen.filter(([path]) => !(path in own.paths));
  const needed = reachable(
    fresh.map(([, value]) => value),
    definitions,
  );
  const names = new Map<string, string>();
  for (const name of needed) names.set(name, nameFor(name, definitions[name], own.definitions));
  for (const [path, value] of fresh) own.paths[path] = renamed(value, names);
  for (const [name, as] of names) own.definitions[as] ??= renamed(definitions[name], names);
}

/** Its own name, unless something else is called so already. */
function nameFor(name: string, schema: unknown, own: Schemas): string {
  for (let count = 1; ; count++) {
    const tried = count === 1 ? name : `${name}_v${count}`;
    if (!(tried in own) || isDeepStrictEqual(own[tried], schema)) return tried;
  }
}

/** Every reference in some values, without recursion. */
function* referencesIn(values: readonly unknown[]): Generator<{ at: { $ref: string }; name: string }> {
  const waiting = [...values];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== 'object' || value === null) continue;
    const { $ref } = value as { $ref?: unknown };
    if (typeof $ref === 'string' && $ref.startsWith(reference))
      yield { at: value as { $ref: string }, name: $ref.slice(reference.length) };
    waiting.push(...Object.values(value));
  }
}

function reachable(values: readonly unknown[], definitions: Schemas): ReadonlySet<string> {
  const found = new Set<string>();
  let next = values;
  while (next.length > 0) {
    const added: unknown[] = [];
    for (const { name } of referencesIn(next)) {
      if (found.has(name) || !(name in definitions)) continue;
      found.add(name);
      added.push(definitions[name]);
    }
    next = added;
  }
  return found;
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  const copy = structuredClone(value);
  for (const { at, name } of referencesIn([copy])) at.$ref = `${reference}${names.get(name) ?? name}`;
  return copy;
}
