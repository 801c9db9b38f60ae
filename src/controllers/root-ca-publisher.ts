import { configMapKind, namespaceKind } from '../../generated/kinds.ts';
import { isAlreadyExists, isNotFound } from '../api/meta/status-error.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { isNamespaceEnding } from '../reconcile/namespace-ending.ts';

const name = 'kube-root-ca.crt';
const description =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';
const annotations = { 'kubernetes.io/description': description };

/** Puts the certificate that pods trust the API server by into each namespace. */
export function rootCaPublisher(rootCa: string): ControllerDefinition {
  return {
    name: 'root-ca-certificate-publisher',
    setup({ client, informers }, queue) {
      const namespaces = informers.informer(namespaceKind);
      const published = informers.informer(configMapKind, { fieldSelector: `metadata.name=${name}` });
      namespaces.onChange({
        added: (namespace) => queue.add(namespace.metadata.name),
        updated: (namespace) => queue.add(namespace.metadata.name),
      });
      published.onChange({
        updated: ({ metadata }) => queue.add(metadata.namespace ?? ''),
        deleted: ({ metadata }) => queue.add(metadata.namespace ?? ''),
      });
      const data = { 'ca.crt': rootCa };
      return {
        name: 'root-ca-certificate-publisher',
        async reconcile(key, signal) {
          const namespace = namespaces.find(key);
          if (!namespace || namespace.status?.phase === 'Terminating') return;
          const configMaps = client.resource(configMapKind);
          const current = published.find(`${key}/${name}`);
          const isRight =
            current?.data?.['ca.crt'] === rootCa &&
            Object.keys(current.data).length === 1 &&
            current.metadata.annotations?.['kubernetes.io/description'] === description;
          if (isRight) return;
          try {
            const merged = { ...current?.metadata.annotations, ...annotations };
            if (current)
              await configMaps.update({ ...current, metadata: { ...current.metadata, annotations: merged }, data });
            else await configMaps.create({ metadata: { namespace: key, name, annotations }, data }, { signal });
          } catch (error) {
            if (!isAlreadyExists(error) && !isNotFound(error) && !isNamespaceEnding(error)) throw error;
          }
        },
      };
    },
  };
}
