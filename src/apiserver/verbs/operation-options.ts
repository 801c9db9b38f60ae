// The options of a write as admission sees them: by what is done, not by the verb that led there.
import type { DeleteOptions } from '../../../generated/meta-v1.ts';

/** CreateOptions or UpdateOptions, whatever the request was: a patch that creates has CreateOptions. */
export function optionsOfQuery(query: URLSearchParams, operation: string): object {
  const dryRun = query.getAll('dryRun');
  const fieldManager = query.get('fieldManager');
  const fieldValidation = query.get('fieldValidation');
  return {
    kind: operation === 'CREATE' ? 'CreateOptions' : 'UpdateOptions',
    apiVersion: 'meta.k8s.io/v1',
    ...(dryRun.length > 0 ? { dryRun } : {}),
    ...(fieldManager ? { fieldManager } : {}),
    ...(fieldValidation ? { fieldValidation } : {}),
  };
}

export const describedDeleteOptions = (options: DeleteOptions): object => ({
  ...options,
  kind: 'DeleteOptions',
  apiVersion: 'meta.k8s.io/v1',
});
