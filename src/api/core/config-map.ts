import type { ConfigMap } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { FieldPath, path } from '../meta/field-errors.ts';
import { byteLength, configMapKeyProblems } from '../meta/names.ts';
import { validateMetadata } from '../meta/object-meta-validation.ts';

/** ConfigMaps and Secrets are held in memory by many. */
export const maxDataBytes = 1024 * 1024;
export const immutableDataMessage = 'field is immutable when `immutable` is set';

export const configMapKind: KindDefinition<ConfigMap> = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  judgesChangesFirst: true,
  validate({ data = {}, binaryData = {} }, errors) {
    let size = 0;
    for (const [key, value] of Object.entries(data)) {
      for (const problem of configMapKeyProblems(key)) errors.invalid(path('data').key(key), key, problem);
      if (Object.hasOwn(binaryData, key)) {
        errors.invalid(path('data').key(key), key, 'duplicate of key present in binaryData');
      }
      size += byteLength(value);
    }
    for (const [key, value] of Object.entries(binaryData)) {
      for (const problem of configMapKeyProblems(key)) errors.invalid(path('binaryData').key(key), key, problem);
      size += Buffer.byteLength(value ?? '', 'base64');
    }
    // Upstream reports this at a path with an empty name, which prints so.
    if (size > maxDataBytes) errors.tooLong(new FieldPath('[]'), maxDataBytes);
  },
  validateUpdate(next, current, errors) {
    if (current.immutable) {
      if (!next.immutable) errors.forbidden(path('immutable'), immutableDataMessage);
      for (const field of ['data', 'binaryData'] as const) {
        if (!isEqual(next[field] ?? {}, current[field] ?? {})) errors.forbidden(path(field), immutableDataMessage);
      }
    }
    validateMetadata(next.metadata, { namespaced: true }, errors); // upstream looks twice, and says so twice
  },
  columns: [
    nameColumn,
    {
      name: 'Data',
      type: 'string',
      description:
        "Data contains the configuration data. Each key must consist of alphanumeric characters, '-', '_' or '.'. Values with non-UTF-8 byte sequences must use the BinaryData field. The keys stored in Data must not overlap with the keys in the BinaryData field, this is enforced during validation process.",
      cell: ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
    },
    ageColumn,
  ],
};
