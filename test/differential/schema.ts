// The shape of built-in types, as the facts tell it, for making and finding places in objects.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly wrap?: 'list' | 'map';
  readonly named?: string;
  readonly required?: boolean;
}

interface RawField extends Omit<Field, 'name'> {
  readonly name: string | null;
  readonly inline?: boolean;
}

interface Facts {
  readonly types: Readonly<Record<string, { readonly gvk?: readonly string[]; readonly fields?: readonly RawField[] }>>;
  readonly enums: Readonly<Record<string, unknown>>;
}

const facts: Facts = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../facts/kubernetes-types.json'), 'utf8'),
) as Facts;

const typeNames = new Map(
  Object.entries(facts.types).flatMap(([name, { gvk }]) =>
    gvk ? [[`${gvk[0] ? `${gvk[0]}/` : ''}${gvk[1]} ${gvk[2]}`, name] as const] : [],
  ),
);

/** The schema's name of a kind; undefined for what is not built in. */
export const typeOf = (apiVersion: string, kind: string): string | undefined => typeNames.get(`${apiVersion} ${kind}`);

const flattened = new Map<string, readonly Field[]>();

/** Fields as JSON shows them; none for scalars and types with a form of their own. */
export function fieldsOf(type: string): readonly Field[] {
  let fields = flattened.get(type);
  if (!fields) {
    fields = (facts.types[type]?.fields ?? []).flatMap((field) => {
      if (field.inline) return fieldsOf(field.type);
      return field.name ? [field as Field] : [];
    });
    flattened.set(type, fields);
  }
  return fields;
}

/** The values a named string may have. */
export function enumOf({ named }: Field): readonly string[] {
  const values = named ? facts.enums[named] : undefined;
  if (Array.isArray(values)) return values.map(String);
  if (values && typeof values === 'object') {
    const inner = (values as { values?: unknown }).values;
    if (Array.isArray(inner))
      return inner.map((each) => (typeof each === 'string' ? each : String((each as any).value)));
  }
  return [];
}
