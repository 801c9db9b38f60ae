import { namespaceKind, serviceAccountKind } from '../../generated/kinds.ts';
import { isAlreadyExists } from '../api/meta/status-error.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { isNamespaceEnding } from '../reconcile/namespace-ending.ts';

const name = 'default';

/** Sees to it that each namespace has the ServiceAccount `default`, which pods use that name none. */
export const serviceAccountController: ControllerDefinition = {
  name: 'serviceaccount',
  setup({ client, informers }, queue) {
    const namespaces = informers.informer(namespaceKind);
    const accounts = informers.informer(serviceAccountKind);
    namespaces.onChange({
      added: (namespace) => queue.add(namespace.metadata.name),
      updated: (namespace) => queue.add(namespace.metadata.name),
    });
    accounts.onChange({
      deleted: ({ metadata }) => {
        if (metadata.name === name) queue.add(metadata.namespace ?? '');
      },
    });
    return {
      name: 'serviceaccount',
      async reconcile(key, signal) {
        const namespace = namespaces.find(key);
        if (!namespace || namespace.status?.phase === 'Terminating' || accounts.find(`${key}/${name}`)) return;
        try {
          await client.resource(serviceAccountKind).create({ metadata: { namespace: key, name } }, { signal });
        } catch (error) {
          if (!isAlreadyExists(error) && !isNamespaceEnding(error)) throw error;
        }
      },
    };
  },
};
