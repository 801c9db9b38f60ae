import type { PersistentVolumeClaim } from '../../../../generated/core-v1.ts';
import { persistentVolumeClaimKind, storageClassKind } from '../../../../generated/kinds.ts';
import { quantityOf } from '../../../api/meta/quantity.ts';
import type { AdmissionPlugin } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';

/** A claim grows only when it is bound and its storage class lets volumes grow. */
export const claimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  validate(request, { objects }) {
    if (!isAbout(request, persistentVolumeClaimKind) || request.operation !== 'UPDATE') return;
    const [next, current] = [request.object as PersistentVolumeClaim, request.oldObject as PersistentVolumeClaim];
    const sizeOf = ({ spec }: PersistentVolumeClaim) => quantityOf(spec?.resources?.requests?.['storage']);
    if (sizeOf(next).compare(sizeOf(current)) <= 0) return;
    if (current.status?.phase !== 'Bound') throw refuse(request, 'Only bound persistent volume claims can be expanded');
    const [name, before] = [classOf(next), classOf(current)];
    if (name && name === before && objects.find(storageClassKind, '', name)?.allowVolumeExpansion) return;
    throw refuse(
      request,
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    );
  },
};

function classOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';
}
