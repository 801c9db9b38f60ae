// The two fact tables that the registry is built from, read once and on demand.
import { readFileSync } from 'node:fs';

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
  readonly deprecated?: string;
  readonly removed?: string;
  readonly replacement?: readonly [string, string, string];
  readonly served: 'default' | 'opt-in' | 'aggregated' | 'no';
}

export interface GroupFact {
  readonly group: string;
  readonly priority: number | null;
  readonly versions: readonly string[];
}

export interface FieldSelectorFact {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly fields: readonly string[];
  /** Where a label's value is read when it is not the label itself: `a||b` is b when a is empty. */
  readonly paths?: Readonly<Record<string, string>>;
  readonly aliases?: Readonly<Record<string, string>>;
  readonly unset?: readonly string[];
}

const read = (file: string): any => JSON.parse(readFileSync(new URL(`../../facts/${file}`, import.meta.url), 'utf8'));

export interface ApiFacts {
  readonly groups: readonly GroupFact[];
  readonly resources: readonly ResourceFact[];
  readonly fieldSelectors: readonly FieldSelectorFact[];
}

export function loadApiFacts(): ApiFacts {
  const { groups, resources } = read('kubernetes-resources.json');
  return { groups, resources, fieldSelectors: read('field-selectors.json').selectors };
}
