import { createHash, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { LeaderElectionSettings } from '../control/control-settings.ts';
import type { Layout } from './layout.ts';
import type { Settings } from './settings.ts';

/**
 * Who this control plane is in its Leases: `HOST_UUID`. Where the store is its own nobody else can be, so that the name
 * stays the same and a start after a crash need not wait for its own lease to expire.
 */
export function instanceOf({ storage }: Settings, layout: Layout): LeaderElectionSettings {
  if (storage?.etcd) return { identity: `${hostname()}_${randomUUID()}`, isShared: true };
  const hex = createHash('sha256').update(layout.dataDir).digest('hex');
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)];
  return { identity: `${hostname()}_${uuid.join('-')}`, isShared: false };
}
