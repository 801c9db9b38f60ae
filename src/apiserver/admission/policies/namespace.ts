import type { Namespace } from '../../../../generated/core-v1.ts';
import { namespaceKind } from '../../../../generated/kinds.ts';
import { notFound } from '../../../api/meta/status-error.ts';
import type { AdmissionContext, AdmissionRequest } from '../plugin.ts';

const isNamespaces = ({ resource }: AdmissionRequest) => resource.group === '' && resource.plural === 'namespaces';

/** `namespaceObject`: undefined for what is in none, namespaces themselves among it. @throws NotFound */
export function policyNamespace(request: AdmissionRequest, { objects }: AdmissionContext): Namespace | undefined {
  const { namespace } = request;
  if (!namespace || isNamespaces(request)) return undefined;
  const found = objects.find(namespaceKind, '', namespace);
  if (!found) throw notFound({ group: '', name: 'namespaces' }, namespace);
  return found;
}
