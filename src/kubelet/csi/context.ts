// What the steps of mounting work with.
import type { CSIDriver } from '../../../generated/storage-v1.ts';
import type { Client } from '../../client/client.ts';
import { asPluginSees } from '../node/kubelet-root.ts';
import type { Mounter } from '../volumes/mounter.ts';
import type { RequestToken } from './call-data.ts';
import type { CsiDrivers } from './drivers.ts';
import type { CsiLayout } from './layout.ts';

export interface CsiContext {
  readonly nodeName: string;
  readonly layout: CsiLayout;
  readonly client: Client;
  readonly mounter: Mounter;
  readonly drivers: Pick<CsiDrivers, 'client'>;
  readonly requestToken: RequestToken;
  /** The driver's object; undefined when it has none. */
  driverObject(name: string): CSIDriver | undefined;
}

/** A path of this machine as the driver is told it. */
export const told = ({ layout }: CsiContext, path: string): string => asPluginSees(path, layout.nodeDir);
