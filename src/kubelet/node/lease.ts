// The node's heartbeat: a Lease in kube-node-lease, renewed every ten seconds.
import type { Lease } from '../../../generated/coordination-v1.ts';
import { leaseKind } from '../../../generated/kinds.ts';
import { isConflict, isNotFound } from '../../api/meta/status-error.ts';
import { type Clock, rfc3339Micro } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';

export const leaseNamespace = 'kube-node-lease';
const usualLeaseSeconds = 40;
export const leaseRenewMs = 10_000;

export interface LeaseHolder {
  readonly nodeName: string;
  readonly nodeUid: string;
  /** How long it holds without a renewal; default 40. */
  readonly seconds?: number;
}

/** Renews once, making the lease when it is not there. @returns the lease to renew next time. */
export async function renewLease(
  client: Client,
  clock: Clock,
  holder: LeaseHolder,
  current: Lease | undefined,
): Promise<Lease> {
  const leases = client.resource(leaseKind);
  const { nodeName, nodeUid, seconds: leaseDurationSeconds = usualLeaseSeconds } = holder;
  const renewTime = rfc3339Micro(clock.now());
  const key = { namespace: leaseNamespace, name: nodeName };
  const held = current ?? (await leases.find(key));
  if (!held) {
    return leases.create({
      metadata: {
        ...key,
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeUid }],
      },
      spec: { holderIdentity: nodeName, leaseDurationSeconds, renewTime },
    });
  }
  try {
    return await leases.update({
      ...held,
      spec: { ...held.spec, holderIdentity: nodeName, leaseDurationSeconds, renewTime },
    });
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) throw error;
    return renewLease(client, clock, holder, undefined);
  }
}
