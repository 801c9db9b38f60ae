// Field selectors of a query, checked against what the resource can be selected by.
import { goQuote } from '../../api/meta/field-errors.ts';
import { type FieldRequirement, matchesFields, parseFieldSelector as parseTerms } from '../../api/meta/selectors.ts';
import { badRequest } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Entry } from './entry.ts';
import type { Pin } from './field-index.ts';

export interface FieldSelector {
  readonly text: string;
  /** Set when the selector pins the object's name: a watch or list of one. */
  readonly name: string | undefined;
  /** Set when it pins a field that there is an index of. */
  readonly pin: Pin | undefined;
  matches(entry: Entry): boolean;
}

function unsupported(resource: ResourceInfo, field: string): string {
  const known = resource.selectableFields;
  if (resource.group === 'batch' && resource.plural === 'jobs')
    return `field label ${goQuote(field)} not supported for Job`;
  const isDefault = known.length === 2 && known.includes('metadata.name') && known.includes('metadata.namespace');
  if (!isDefault) return `field label not supported: ${field}`;
  return `${goQuote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

/** Every node asks for its own pods. */
const indexedField = 'spec.nodeName';

function pinOf(terms: readonly FieldRequirement[], { storage }: ResourceInfo): Pin | undefined {
  if (storage.plural !== 'pods' || storage.group !== '') return undefined;
  const term = terms.find(({ field, isEqual, value }) => field === indexedField && isEqual && value !== '');
  return term && { field: indexedField, value: term.value };
}

/** Undefined for the empty selector. @throws StatusError 400, SelectorError */
export function parseFieldSelector(text: string, resource: ResourceInfo): FieldSelector | undefined {
  const terms = parseTerms(text);
  if (terms.length === 0) return undefined;
  for (const { field } of terms) {
    if (!resource.selectableFields.includes(field)) throw badRequest(unsupported(resource, field));
  }
  const metadataOnly = terms.every(({ field }) => field === 'metadata.name' || field === 'metadata.namespace');
  return {
    text,
    pin: pinOf(terms, resource),
    name: terms.find((term) => term.field === 'metadata.name' && term.isEqual)?.value,
    matches(entry) {
      if (!metadataOnly) return matchesFields(terms, entry.fieldLabels(resource));
      return matchesFields(terms, { 'metadata.name': entry.name, 'metadata.namespace': entry.namespace });
    },
  };
}
