import { namespaceKind } from '../../../../generated/kinds.ts';
import { notFound } from '../../../api/meta/status-error.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';

const immortal = new Set(['default', 'kube-system', 'kube-public']);

/** Nothing is made in a namespace that is not there or is going away; three namespaces never go. */
export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  admit: check,
};

function check(request: AdmissionRequest, { objects }: Parameters<NonNullable<AdmissionPlugin['admit']>>[1]): void {
  const { operation, namespace, name, resource } = request;
  if (isAbout(request, namespaceKind) && operation === 'DELETE' && immortal.has(name)) {
    throw refuse(request, 'this namespace may not be deleted');
  }
  if (!namespace || resource.storage.plural === 'namespaces' || operation === 'DELETE') return;
  if (resource.storage.plural === 'localsubjectaccessreviews') return;
  const found = objects.find(namespaceKind, '', namespace);
  if (!found) throw notFound({ group: '', name: 'namespaces' }, namespace);
  if (operation !== 'CREATE' || found.status?.phase !== 'Terminating') return;
  const error = refuse(
    request,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  error.status.details = { ...error.status.details, causes: [cause] };
  throw error;
}
