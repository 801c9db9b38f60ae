// Finds and reads the fact tables. The only file that knows where facts/ is: beside package.json, above src/ or dist/.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A field as the fact tables list it; facts/README.md says what each key means. */
export interface FieldFact {
  readonly name: string | null;
  readonly num?: number;
  readonly protoName?: string;
  readonly type: string;
  readonly wrap?: 'list' | 'map';
  readonly inline?: boolean;
  readonly named?: string;
  readonly keyNamed?: string;
  readonly alias?: string;
  readonly pointer?: boolean;
  readonly elemPointer?: boolean;
  readonly embedded?: boolean;
  readonly omitempty?: boolean;
  readonly omitzero?: boolean;
  readonly optionalMarker?: 'optional' | 'required';
  readonly required?: boolean;
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  readonly structType?: 'atomic' | 'granular';
  readonly default?: unknown;
  readonly union?: readonly string[];
}

export interface TypeFact {
  readonly gvk?: readonly [string, string, string];
  readonly custom?: string;
  readonly noProto?: boolean;
  readonly structType?: 'atomic' | 'granular';
  readonly fields: readonly FieldFact[];
}

export interface EnumFact {
  readonly closed?: boolean;
  readonly base?: string;
  readonly values: readonly (string | number)[];
}

export interface TypeFacts {
  readonly enums: Readonly<Record<string, EnumFact>>;
  readonly constants: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly types: Readonly<Record<string, TypeFact>>;
}

export interface SubresourceFact {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

export interface ResourceFact {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly SubresourceFact[];
  readonly type: string;
  readonly served: 'default' | 'opt-in' | 'aggregated' | 'no';
  readonly introduced?: string;
  readonly deprecated?: string;
  readonly removed?: string;
  readonly replacement?: readonly [string, string, string];
}

let root: string | undefined;

/** The folder of package.json, wherever this code runs from (src/, or a bundle in dist/). */
export function packageRoot(): string {
  if (root) return root;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!(existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'facts')))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('cannot find the facts folder beside package.json');
    folder = parent;
  }
  root = folder;
  return folder;
}

const tables = new Map<string, unknown>();

/** One fact table, parsed once: `readFacts('field-selectors.json')`. */
export function readFacts<T>(file: string): T {
  let table = tables.get(file);
  if (table === undefined) {
    table = JSON.parse(readFileSync(join(packageRoot(), 'facts', file), 'utf8'));
    tables.set(file, table);
  }
  return table as T;
}

export const typeFacts = (): TypeFacts => readFacts<TypeFacts>('kubernetes-types.json');

export const resourceFacts = (): { groups: unknown[]; resources: ResourceFact[] } =>
  readFacts('kubernetes-resources.json');
