// Disks of iSCSI targets, logged in to by the system's own tool (Debian: open-iscsi).
import type { VolumeDriver } from './volume-driver.ts';

export const iscsi: VolumeDriver = {
  field: 'iscsi',
  name: 'iscsi',
  setUp: ({ pod, volume: { name, iscsi: source }, services, signal }) =>
    services.iscsi.setUp(
      pod,
      {
        name,
        podVolume: name,
        source: source!,
        isReadOnly: source!.readOnly ?? false,
        isBlock: false,
        mountOptions: [],
      },
      signal,
    ),
};
