// Admin access to devices, whoever uses them, only in namespaces whose label says so. In upstream's storage layer: it judges
// what admission has left.
import { namespaceKind, resourceClaimKind, resourceClaimTemplateKind } from '../../../../generated/kinds.ts';
import type { DeviceRequest, ResourceClaim, ResourceClaimTemplate } from '../../../../generated/resource-v1.ts';
import { FieldErrors, type FieldPath, path } from '../../../api/meta/field-errors.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { isAbout } from '../refuse.ts';

const label = 'resource.kubernetes.io/admin-access';

export const deviceAdminAccess: AdmissionPlugin = {
  name: 'DeviceAdminAccess',
  judge: {
    group: 'resource.k8s.io',
    errorsOf(request, { objects }) {
      const errors = new FieldErrors();
      const place = placeOfAccess(request);
      if (!place || objects.find(namespaceKind, '', request.namespace)?.metadata.labels?.[label] === 'true')
        return errors;
      const problem = `admin access to devices requires the \`${label}: true\` label on the containing namespace`;
      errors.forbidden(place, problem);
      return errors;
    },
  },
};

/** Where admin access is asked for, or was given, by this request. Specs do not change later. */
function placeOfAccess(request: AdmissionRequest): FieldPath | undefined {
  const { operation, object, oldObject } = request;
  if (operation === 'CREATE') {
    if (isAbout(request, resourceClaimKind)) return placeInRequests((object as ResourceClaim).spec?.devices?.requests);
    // The path lacks one `spec`, as upstream's.
    if (isAbout(request, resourceClaimTemplateKind))
      return placeInRequests((object as ResourceClaimTemplate).spec?.spec?.devices?.requests);
  }
  if (operation !== 'UPDATE' || !isAbout(request, resourceClaimKind, 'status')) return undefined;
  return placeInResults(oldObject as ResourceClaim) ? undefined : placeInResults(object as ResourceClaim);
}

/** Go's form of a claim without requests has null there. */
function placeInRequests(requests: readonly DeviceRequest[] | null | undefined): FieldPath | undefined {
  const found = requests?.findIndex(({ exactly }) => exactly?.adminAccess) ?? -1;
  return found < 0 ? undefined : path('spec', 'devices', 'requests').index(found).child('adminAccess');
}

function placeInResults({ status }: ResourceClaim): FieldPath | undefined {
  const found = status?.allocation?.devices?.results?.findIndex(({ adminAccess }) => adminAccess) ?? -1;
  return found < 0 ? undefined : path('status', 'allocation', 'devices', 'results').index(found).child('adminAccess');
}
