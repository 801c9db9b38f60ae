// A few errors of upstream quote a whole value as its server holds it: every field, under its Go name, zeros and nulls
// too. Clients show them, so the form is kept. The names and their order are facts/internal-forms.json.
import { readFacts } from '../../schema/facts.ts';
import { type Field, typeOf } from '../../schema/ir.ts';

type Form = Record<string, unknown>;

/** Of one line of the facts; `field` is undefined where the served version has none. */
interface Printed {
  readonly name: string;
  readonly field: Field | undefined;
  readonly absent: 'null' | 'zero' | 'nothing';
  readonly zero: string | undefined;
}

const printedTypes = new Map<string, readonly (Printed | 'metadata')[] | undefined>();

function parsed(typeName: string, line: string): readonly (Printed | 'metadata')[] {
  const { jsonField } = typeOf(typeName);
  return line.split(' ').map((text) => {
    if (text === '~metadata') return 'metadata';
    const [, name, renamed, mark] = /^([^=*!?]+)(?:=([^*!?]+))?([*!?]?)$/.exec(text)!;
    const served = renamed ?? `${name![0]!.toLowerCase()}${name!.slice(1)}`;
    const field = served.startsWith('-') ? undefined : jsonField.get(served);
    const isNull = field?.wrap || (mark === '*' ? true : mark === '!' ? false : field?.isPointer);
    const absent = mark === '?' ? 'nothing' : isNull ? 'null' : 'zero';
    return { name: name!, field, absent, zero: field ? undefined : (served[1] ?? 'z') };
  });
}

function printedFields(typeName: string): readonly (Printed | 'metadata')[] | undefined {
  if (!printedTypes.has(typeName)) {
    const line = readFacts<Record<string, string>>('internal-forms.json')[typeName];
    printedTypes.set(typeName, line === undefined ? undefined : line ? parsed(typeName, line) : []);
  }
  return printedTypes.get(typeName);
}

/** The pod's own flags stand in its security context there. */
const hostFlags: Readonly<Record<string, string>> = {
  HostNetwork: 'hostNetwork',
  HostPID: 'hostPID',
  HostIPC: 'hostIPC',
  ShareProcessNamespace: 'shareProcessNamespace',
  HostUsers: 'hostUsers',
};

/** `value` of the type as a plain object in Go's form, ready for JSON. */
export function goForm(typeName: string, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  const fields = printedFields(typeName);
  if (!fields) return value; // of the machinery that all versions share: it has the served names
  return formOf(fields, value as Form);
}

/** Only the fields named, which upstream keeps in a struct of their own. */
export function goFormOfPart(typeName: string, value: unknown, names: readonly string[]): unknown {
  const fields = printedFields(typeName)!;
  return formOf(
    fields.filter((each) => each !== 'metadata' && each.field && names.includes(each.field.name)),
    value as Form,
  );
}

/** One field of `value` in that form. */
export function goField(typeName: string, value: unknown, name: string): unknown {
  const form = goFormOfPart(typeName, value, [name]) as Form;
  return Object.values(form)[0];
}

function formOf(fields: readonly (Printed | 'metadata')[], source: Form): Form {
  const form: Form = {};
  for (const each of fields) {
    if (each === 'metadata') Object.assign(form, withoutEmpties(source['metadata']));
    else addField(form, each, source);
  }
  const security = form['SecurityContext'] as Form | null | undefined;
  if ('InitContainers' in form && 'SecurityContext' in form) form['SecurityContext'] = withHostFlags(source, security);
  return form;
}

/** Metadata has the served form, which leaves them out. */
const withoutEmpties = (metadata: unknown): Form =>
  Object.fromEntries(
    Object.entries((metadata ?? {}) as Form).filter(
      ([, value]) => typeof value !== 'object' || value === null || Object.keys(value).length > 0,
    ),
  );

function addField(form: Form, { name, field, absent, zero }: Printed, source: Form): void {
  const value = field ? source[field.name] : undefined;
  if (field && value !== undefined && value !== null) form[name] = formOfField(field, value);
  else if (absent === 'null') form[name] = null;
  else if (absent === 'zero') form[name] = field ? zeroOf(field) : unservedZeros[zero!];
}

const unservedZeros: Readonly<Record<string, unknown>> = { s: '', b: false, n: 0, o: {}, z: null };

function withHostFlags(source: Form, context: Form | null | undefined): Form | null {
  const isSet = Object.values(hostFlags).some((name) => source[name] !== undefined);
  if (!context && !isSet) return null;
  const form = context ?? (goForm('io.k8s.api.core.v1.PodSecurityContext', {}) as Form);
  for (const [shown, name] of Object.entries(hostFlags)) if (source[name] !== undefined) form[shown] = source[name];
  return form;
}

function formOfField(field: Field, value: unknown): unknown {
  if (field.wrap === 'list') return (value as unknown[]).map((item) => formOfValue(field, item));
  if (field.wrap !== 'map') return formOfValue(field, value);
  const entries = Object.entries(value as object).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, formOfValue(field, item)]));
}

function schemaTypeOf(typeName: string): string {
  return typeOf(typeName).fields.find(({ kind }) => kind === 'struct')!.typeName!;
}

function formOfValue({ kind, typeName }: Field, value: unknown): unknown {
  if (!typeName) return value;
  const schema = (of: unknown) => goForm(schemaTypeOf(typeName), of);
  switch (kind) {
    case 'struct':
      return goForm(typeName, value);
    case 'schemaorbool':
      return typeof value === 'boolean' ? { Allows: value, Schema: null } : { Allows: true, Schema: schema(value) };
    case 'schemaorarray':
      return Array.isArray(value)
        ? { Schema: null, JSONSchemas: value.map(schema) }
        : { Schema: schema(value), JSONSchemas: null };
    case 'schemaorstringarray':
      return Array.isArray(value) ? { Schema: null, Property: value } : { Schema: schema(value), Property: null };
    default:
      return value;
  }
}

function zeroOf({ kind, typeName }: Field): unknown {
  switch (kind) {
    case 'string':
      return '';
    case 'bool':
      return false;
    case 'int32':
    case 'int64':
    case 'double':
    case 'intorstring':
      return 0;
    case 'quantity':
    case 'duration':
      return kind === 'quantity' ? '0' : '0s';
    case 'struct':
      return goForm(typeName!, {});
    default:
      return null;
  }
}
