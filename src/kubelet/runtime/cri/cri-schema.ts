// Builds protobuf types from the fact table of CRI v1, with field names in camelCase: our own shapes go over the wire as
// they are.
import protobuf from 'protobufjs';
import { readFacts } from '../../../schema/facts.ts';

interface CriFacts {
  services: Record<string, { name: string; request: string; response: string; serverStream?: boolean }[]>;
  enums: Record<string, Record<string, number>>;
  messages: Record<string, { fields: CriField[] }>;
}

interface CriField {
  name: string;
  num: number;
  type: string;
  wrap?: 'list' | 'map';
  keyType?: string;
  optional?: boolean;
}

/** Go's field name as our code writes it: `working_dir` → `workingDir`, `CDI_devices` → `CDIDevices`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase());
}

function flat(name: string): string {
  return name.replaceAll('.', '_');
}

function fieldOf(field: CriField, known: (type: string) => boolean): protobuf.Field {
  const type = known(field.type) ? flat(field.type) : field.type;
  const name = camelCase(field.name);
  if (field.wrap === 'map')
    return new protobuf.MapField(name, field.num, field.keyType ?? 'string', type) as unknown as protobuf.Field;
  return new protobuf.Field(name, field.num, type, field.wrap === 'list' ? 'repeated' : undefined);
}

export interface CriMethod {
  readonly service: string;
  readonly name: string;
  readonly request: protobuf.Type;
  readonly response: protobuf.Type;
  readonly serverStream: boolean;
}

/** Every method of both services. Takes about 3 ms. */
export function loadCriMethods(): CriMethod[] {
  const facts = readFacts<CriFacts>('cri-v1.json');
  const known = (type: string) => type in facts.messages || type in facts.enums;
  const namespace = new protobuf.Root().define('runtime.v1');
  for (const [name, values] of Object.entries(facts.enums)) namespace.add(new protobuf.Enum(flat(name), values));
  for (const [name, message] of Object.entries(facts.messages)) {
    const type = new protobuf.Type(flat(name));
    for (const field of message.fields) type.add(fieldOf(field, known));
    namespace.add(type);
  }
  return Object.entries(facts.services).flatMap(([service, methods]) =>
    methods.map((method) => ({
      service,
      name: method.name,
      request: namespace.lookupType(flat(method.request)),
      response: namespace.lookupType(flat(method.response)),
      serverStream: method.serverStream ?? false,
    })),
  );
}
