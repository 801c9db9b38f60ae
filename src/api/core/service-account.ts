import type { ServiceAccount } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';

/** Only the names of Secrets count; the rest of the references is dropped. */
function cleanReferences(object: ServiceAccount): void {
  if (object.secrets) object.secrets = object.secrets.map(({ name }) => (name ? { name } : {}));
}

export const serviceAccountKind: KindDefinition<ServiceAccount> = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  allowsUnconditionalUpdate: false,
  returnsDeletedObject: true,
  prepareForCreate: cleanReferences,
  prepareForUpdate: cleanReferences,
  columns: [nameColumn, ageColumn],
};
