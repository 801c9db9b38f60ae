import { inlineSpec } from '../csi/volume-spec.ts';
import type { VolumeDriver } from './volume-driver.ts';

/** A volume that a CSI driver makes for this pod alone. */
export const csi: VolumeDriver = {
  field: 'csi',
  name: 'csi',
  setUp: ({ pod, volume, services, signal }) => services.csi.setUp(pod, inlineSpec(pod, volume), signal),
  refresh: ({ pod, volume, services }) => services.csi.refresh(pod, volume.name),
};
