// What kinds and fields are for, as `kubectl explain` shows it: our own sentences, in facts/descriptions/. Read when a
// document is made, which is in a thread that ends afterwards; the server itself only ever keeps their hash.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './facts.ts';
import { typeOf } from './ir.ts';

/** Field → sentence; '' is the type itself, '*' names a type that has the rest, in the same package or by its full name. */
export type TypeDescriptions = Readonly<Record<string, string>>;

/** Package → type → its sentences; the package '*' has those for fields of every kind, list and condition. */
type DescriptionFile = Readonly<Record<string, Readonly<Record<string, TypeDescriptions>>>>;

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1';

function* files(): Generator<Buffer> {
  const folder = join(packageRoot(), 'facts', 'descriptions');
  for (const file of readdirSync(folder).sort()) {
    if (file.endsWith('.json')) yield readFileSync(join(folder, file));
  }
}

let table: ReadonlyMap<string, TypeDescriptions> | undefined;

/**
 * All that is described: type name → sentences. The names `*.kind`, `*.list` and `*.condition` stand for many types; `{name}`
 * in their sentences is the type's own name, `{item}` that of what a list holds. A type or field that only old versions have
 * may stand under the stable name.
 */
export function descriptions(): ReadonlyMap<string, TypeDescriptions> {
  if (table) return table;
  const found = new Map<string, TypeDescriptions>();
  for (const file of files()) {
    for (const [packageName, types] of Object.entries(JSON.parse(file.toString()) as DescriptionFile)) {
      for (const [name, fields] of Object.entries(types)) found.set(`${packageName}.${name}`, fields);
    }
  }
  table = found;
  return found;
}

let hash: string | undefined;

/** Changes when any sentence does. */
export function descriptionsHash(): string {
  if (!hash) {
    const sum = createHash('sha256');
    for (const file of files()) sum.update(file);
    hash = sum.digest('hex');
  }
  return hash;
}

/** The name under which an old version is described as the stable one of its group is. */
export const stableName = (typeName: string): string => typeName.replace(/\.(v\d+)(alpha|beta)\d+\.(?=\w+$)/, '.$1.');

/** What `'*'` names at a type: another of its package, or one of another package in full. */
export const otherName = (typeName: string, other: string): string =>
  other.includes('.') ? other : `${typeName.slice(0, typeName.lastIndexOf('.') + 1)}${other}`;

/** The names under which a field may be described, the most exact first. */
function* placesOf(typeName: string): Generator<string> {
  for (const name of new Set([typeName, stableName(typeName)])) {
    yield name;
    const other = descriptions().get(name)?.['*'];
    if (other) yield otherName(name, other);
  }
  if (/Condition$/.test(typeName)) yield '*.condition';
  if (!typeOf(typeName).gvk) return;
  yield typeOf(typeName).jsonField.get('metadata')?.typeName === `${metaPackage}.ListMeta` ? '*.list' : '*.kind';
}

/** The sentence for a field, or for the type with the field ''. */
export function descriptionOf(typeName: string, field: string): string | undefined {
  for (const place of placesOf(typeName)) {
    const sentence = descriptions().get(place)?.[field];
    if (sentence === undefined) continue;
    if (!place.startsWith('*.')) return sentence;
    const name = typeName.slice(typeName.lastIndexOf('.') + 1);
    return sentence.replace('{name}', name).replace('{item}', name.replace(/List$/, ''));
  }
  return undefined;
}

/** The sentence for a field that every kind, or every list, has. */
export const sharedDescription = (of: 'kind' | 'list', field: string): string =>
  descriptions().get(`*.${of}`)?.[field] ?? '';
