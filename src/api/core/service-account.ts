import type { ServiceAccount } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';

/** Only the names of Secrets count; the rest of the references is dropped. */
function cleanReferences(object: ServiceAccount): void {
  if (object.secrets) object.secrets = object.secrets.map(({ name }) => (name ? { name } : {}));
}

const mountable = 'kubernetes.io/enforce-mountable-secrets';

export const serviceAccountKind: KindDefinition<ServiceAccount> = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  metadataLooks: ['change', 'object'],
  returnsDeletedObject: true,
  prepareForCreate: cleanReferences,
  prepareForUpdate: cleanReferences,
  warnings: ({ metadata }, current) =>
    metadata.annotations?.[mountable] !== undefined && current?.metadata.annotations?.[mountable] === undefined
      ? [
          `metadata.annotations[${mountable}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
        ]
      : [],
  columns: [nameColumn, ageColumn],
};
