// Field labels by the fact table: which labels a client may select by, and how each is read from an object.
import type { FieldSelectorFact } from './facts.ts';
import type { KubernetesObject } from './meta/object.ts';

/** What an absent value prints as, where that is not the empty string. */
const zeroValues: Record<string, string> = {
  'spec.unschedulable': 'false',
  'spec.hostNetwork': 'false',
  'status.replicas': '0',
  'status.successful': '0',
};

type Reader = (object: KubernetesObject) => string;

function pathReader(path: string, zero: string): Reader {
  const steps = path.split('.').flatMap((part) => {
    const [name, position] = part.split(/[[\]]/);
    return position === undefined ? [name!] : [name!, Number(position)];
  });
  return (object) => {
    let value: any = object;
    for (const step of steps) value = value?.[step];
    return value === undefined || value === null ? zero : String(value);
  };
}

function labelReader(label: string, fact: FieldSelectorFact): Reader {
  if (fact.unset?.includes(label)) return () => '';
  const zero = zeroValues[label] ?? '';
  const readers = (fact.paths?.[label] ?? fact.aliases?.[label] ?? label)
    .split('||')
    .map((path) => pathReader(path, zero));
  return readers.length === 1 ? readers[0]! : (object) => readers.map((read) => read(object)).find(Boolean) ?? '';
}

export const metadataLabels: readonly string[] = ['metadata.name', 'metadata.namespace'];

export function metadataFieldLabels(object: KubernetesObject): Record<string, string> {
  return { 'metadata.name': object.metadata.name ?? '', 'metadata.namespace': object.metadata.namespace ?? '' };
}

/** Known to the table and yet refused by the server. */
const refused: Record<string, readonly string[]> = { 'events.k8s.io/events': ['source'] };

/** Labels that clients may use, aliases among them. */
export function selectableFields(fact: FieldSelectorFact | undefined): readonly string[] {
  if (!fact) return metadataLabels;
  const not = refused[`${fact.group}/${fact.plural}`] ?? [];
  return [...fact.fields, ...Object.keys(fact.aliases ?? {})].filter((label) => !not.includes(label));
}

export function compileFieldLabels(
  fact: FieldSelectorFact | undefined,
): (object: KubernetesObject) => Record<string, string> {
  const own = selectableFields(fact).filter((label) => !metadataLabels.includes(label));
  if (!fact || own.length === 0) return metadataFieldLabels;
  const readers = own.map((label) => [label, labelReader(label, fact)] as const);
  return (object) => {
    const labels = metadataFieldLabels(object);
    for (const [label, read] of readers) labels[label] = read(object);
    return labels;
  };
}
