// The two fact tables that the registry is built from, read once and on demand.
import { type ResourceFact, readFacts } from '../schema/facts.ts';

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

export interface ApiFacts {
  readonly groups: readonly GroupFact[];
  readonly resources: readonly ResourceFact[];
  readonly fieldSelectors: readonly FieldSelectorFact[];
}

export function loadApiFacts(): ApiFacts {
  const { groups, resources } = readFacts<{ groups: GroupFact[]; resources: ResourceFact[] }>(
    'kubernetes-resources.json',
  );
  const { selectors } = readFacts<{ selectors: FieldSelectorFact[] }>('field-selectors.json');
  return { groups, resources, fieldSelectors: selectors };
}
