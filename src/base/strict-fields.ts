// Reads JSON strictly, by a table of fields: what upstream's decoder does with a file of configuration.

export class ConfigurationError extends Error {}

export type Field =
  | 'string'
  | 'int32'
  | 'int64'
  | 'float'
  | 'bool'
  | 'duration'
  /** Whatever it is. */
  | 'any'
  | { readonly list: Field }
  /** Keys of any name. */
  | { readonly map: Field }
  | Fields;

export interface Fields {
  /** What upstream's messages call it. */
  readonly type: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** Of the package in Go; `v1` where absent. */
  readonly version?: string;
}

const goTypes: Record<string, string> = {
  string: 'string',
  int32: 'int32',
  int64: 'int64',
  float: 'float32',
  bool: 'bool',
  duration: 'string',
};

const jsonKind = (value: unknown) =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;

function isScalar(value: unknown, field: string): boolean {
  switch (field) {
    case 'string':
      return typeof value === 'string';
    case 'bool':
      return typeof value === 'boolean';
    case 'float':
      return typeof value === 'number';
    case 'duration':
      return typeof value === 'string';
    case 'int32':
      return Number.isInteger(value) && Math.abs(value as number) < 2 ** 31;
    case 'int64':
      return Number.isSafeInteger(value);
    default:
      return true;
  }
}

interface Place {
  readonly type: string;
  readonly path: string;
}

interface Work {
  readonly value: unknown;
  readonly field: Field;
  readonly place: Place;
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** All of it, or the first wrong type; unknown fields are gathered and told together. @throws ConfigurationError */
export function checkFields(root: unknown, fields: Fields): void {
  const unknown: string[] = [];
  const work: Work[] = [{ value: root, field: fields, place: { type: fields.type, path: '' } }];
  for (let next = work.pop(); next; next = work.pop()) {
    const { value, field, place } = next;
    if (value === null || value === undefined || field === 'any') continue;
    if (typeof field === 'string') {
      if (!isScalar(value, field)) wrongType(value, goTypes[field]!, place);
    } else if ('list' in field) {
      if (!Array.isArray(value)) wrongType(value, '[]', place);
      (value as unknown[]).forEach((item, index) => {
        work.push({ value: item, field: field.list, place: { type: place.type, path: `${place.path}[${index}]` } });
      });
    } else if ('map' in field) {
      if (!isObject(value)) wrongType(value, 'map[string]', place);
      for (const [name, member] of Object.entries(value)) {
        const path = `${place.path}.${name}`;
        if (typeof field.map === 'string' && member !== null && !isScalar(member, field.map))
          wrongType(member, goTypes[field.map]!, place);
        work.push({ value: member, field: field.map, place: { type: place.type, path } });
      }
    } else {
      if (!isObject(value)) wrongType(value, `${field.version ?? 'v1'}.${field.type}`, place);
      for (const [name, member] of Object.entries(value)) {
        const path = place.path ? `${place.path}.${name}` : name;
        if (Object.hasOwn(field.fields, name)) {
          work.push({ value: member, field: field.fields[name]!, place: { type: place.type, path } });
        } else unknown.push(`unknown field "${path}"`);
      }
    }
  }
  if (unknown.length > 0) throw new ConfigurationError(`strict decoding error: ${unknown.sort().join(', ')}`);
}

function wrongType(value: unknown, goType: string, { type, path }: Place): never {
  const field = `${type}.${path.replaceAll(/\[\d+\]/g, '')}`;
  throw new ConfigurationError(
    `json: cannot unmarshal ${jsonKind(value)} into Go struct field ${field} of type ${goType}`,
  );
}
