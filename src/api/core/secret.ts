// Secrets: `stringData` is a way of writing `data`; some types promise certain keys.
import type { Secret } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { configMapKeyProblems } from '../meta/names.ts';
import { validateMetadata } from '../meta/object-meta-validation.ts';
import { checkImmutable } from '../meta/strategy.ts';
import { immutableDataMessage, maxDataBytes } from './config-map.ts';

const accountNameAnnotation = 'kubernetes.io/service-account.name';

const decode = (value: string | undefined): string => Buffer.from(value ?? '', 'base64').toString();

function mergeStringData(object: Secret): void {
  if (!object.stringData) return;
  object.data = { ...object.data };
  for (const [key, value] of Object.entries(object.stringData))
    object.data[key] = Buffer.from(value).toString('base64');
  delete object.stringData;
}

function validateJson(data: Record<string, string>, key: string, errors: FieldErrors): void {
  const at = path('data').key(key);
  if (!Object.hasOwn(data, key)) {
    errors.required(at);
    return;
  }
  try {
    JSON.parse(decode(data[key]));
  } catch {
    const first = decode(data[key]).trim()[0];
    const problem = first
      ? `invalid character '${first}' looking for beginning of value`
      : 'unexpected end of JSON input';
    errors.invalid(at, '<secret contents redacted>', problem);
  }
}

function requireKeys(data: Record<string, string>, keys: readonly string[], errors: FieldErrors): void {
  for (const key of keys) if (!Object.hasOwn(data, key)) errors.required(path('data').key(key));
}

/** What the types promise. */
const typeRules: Record<string, (secret: Secret, data: Record<string, string>, errors: FieldErrors) => void> = {
  'kubernetes.io/service-account-token'({ metadata }, _data, errors) {
    if (metadata.annotations?.[accountNameAnnotation]) return;
    errors.required(path('metadata', 'annotations').key(accountNameAnnotation));
  },
  'kubernetes.io/dockercfg': (_secret, data, errors) => validateJson(data, '.dockercfg', errors),
  'kubernetes.io/dockerconfigjson': (_secret, data, errors) => validateJson(data, '.dockerconfigjson', errors),
  'kubernetes.io/basic-auth'(_secret, data, errors) {
    const keys = ['username', 'password'];
    if (!keys.some((key) => Object.hasOwn(data, key))) requireKeys(data, keys, errors);
  },
  'kubernetes.io/ssh-auth'(_secret, data, errors) {
    if (!data['ssh-privatekey']) errors.required(path('data').key('ssh-privatekey'));
  },
  'kubernetes.io/tls': (_secret, data, errors) => requireKeys(data, ['tls.crt', 'tls.key'], errors),
};

function tlsWarnings({ data = {} }: Secret): string[] {
  if (!decode(data['tls.crt']).includes('-----BEGIN '))
    return ['tls: failed to find any PEM data in certificate input'];
  if (!decode(data['tls.key']).includes('-----BEGIN ')) return ['tls: failed to find any PEM data in key input'];
  return [];
}

export const secretKind: KindDefinition<Secret> = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  judgesChangesFirst: true,
  defaults(object) {
    mergeStringData(object);
    object.type ||= 'Opaque';
  },
  validate(object, errors) {
    const data = object.data ?? {};
    let size = 0;
    for (const [key, value] of Object.entries(data)) {
      for (const problem of configMapKeyProblems(key)) errors.invalid(path('data').key(key), key, problem);
      size += Buffer.byteLength(value, 'base64');
    }
    if (size > maxDataBytes) errors.tooLong(path('data'), maxDataBytes);
    typeRules[object.type ?? '']?.(object, data, errors);
  },
  validateUpdate(next, current, errors) {
    checkImmutable(errors, path('type'), next.type, current.type);
    if (current.immutable) {
      if (!next.immutable) errors.forbidden(path('immutable'), immutableDataMessage);
      if (!isEqual(next.data ?? {}, current.data ?? {})) errors.forbidden(path('data'), immutableDataMessage);
    }
    validateMetadata(next.metadata, { namespaced: true }, errors); // upstream looks twice, and says so twice
  },
  warnings: (object) => (object.type === 'kubernetes.io/tls' ? tlsWarnings(object) : []),
  columns: [
    nameColumn,
    {
      name: 'Type',
      type: 'string',
      description:
        'Used to facilitate programmatic handling of secret data. More info: https://kubernetes.io/docs/concepts/configuration/secret/#secret-types',
      cell: ({ type }) => type ?? '',
    },
    {
      name: 'Data',
      type: 'string',
      description:
        "Data contains the secret data. Each key must consist of alphanumeric characters, '-', '_' or '.'. The serialized form of the secret data is a base64 encoded string, representing the arbitrary (possibly non-string) data value here. Described in https://tools.ietf.org/html/rfc4648#section-4",
      cell: ({ data }) => Object.keys(data ?? {}).length,
    },
    ageColumn,
  ],
};
