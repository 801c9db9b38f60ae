import { ipAddressKind, serviceCIDRKind } from '../../generated/kinds.ts';
import type { ServiceCIDR } from '../../generated/networking-v1.ts';
import { findCondition, withCondition } from '../api/meta/conditions.ts';
import { isStrictSubset, parseCidr } from '../api/meta/ip-address.ts';
import { isConflict, isNotFound } from '../api/meta/status-error.ts';
import { timeText } from '../api/meta/time.ts';
import type { Client } from '../client/client.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { removeFinalizer } from './shared/remove-finalizer.ts';

const finalizer = 'networking.k8s.io/service-cidr-finalizer';

/** The cluster's own range: the first of its addresses is the API server's Service, so it is always in use. */
const ownRange = 'kubernetes';

const ready = ['True', '', 'Kubernetes Service CIDR is ready'] as const;
const inUse = [
  'False',
  'Terminating',
  'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
] as const;

/** Says that ranges of Service addresses are ready, and keeps a deleted one while addresses of it are in use. */
export const serviceCidrController: ControllerDefinition = {
  name: 'service-cidr-controller',
  setup({ client, informers, clock }, queue) {
    const ranges = informers.informer(serviceCIDRKind);
    const addresses = informers.informer(ipAddressKind);
    const look = ({ metadata }: ServiceCIDR) => queue.add(metadata.name!);
    ranges.onChange({ added: look, updated: look });
    addresses.onChange({ deleted: () => ranges.list().filter(isGoing).forEach(look) });
    return {
      name: 'service-cidr-controller',
      workers: 1,
      async reconcile(key) {
        const range = ranges.find(key);
        if (!range) return;
        if (!isGoing(range)) {
          const held = await addFinalizer(client, range);
          await setReady(client, held, ready, clock.now());
        } else if (key === ownRange || addresses.list().some(({ metadata }) => contains(range, metadata.name!))) {
          await setReady(client, range, inUse, clock.now());
        } else if (range.metadata.finalizers?.includes(finalizer)) {
          await removeFinalizer(client, serviceCIDRKind, range, finalizer);
        }
      },
    };
  },
};

const isGoing = ({ metadata }: ServiceCIDR) => metadata.deletionTimestamp !== undefined;

function contains({ spec }: ServiceCIDR, address: string): boolean {
  const host = parseCidr(`${address}/${address.includes(':') ? 128 : 32}`);
  const ranges = (spec?.cidrs ?? []).map(parseCidr);
  return host !== undefined && ranges.some((range) => range !== undefined && isStrictSubset(host, range));
}

async function addFinalizer(client: Client, range: ServiceCIDR): Promise<ServiceCIDR> {
  const finalizers = range.metadata.finalizers ?? [];
  if (finalizers.includes(finalizer)) return range;
  const metadata = { ...range.metadata, finalizers: [...finalizers, finalizer] };
  return client.resource(serviceCIDRKind).update({ ...range, metadata });
}

async function setReady(
  client: Client,
  range: ServiceCIDR,
  [status, reason, message]: typeof ready | typeof inUse,
  nowMs: number,
): Promise<void> {
  const old = findCondition(range.status?.conditions, 'Ready');
  if (old?.status === status && old.message === message) return;
  const condition = { type: 'Ready', status, lastTransitionTime: timeText(nowMs), reason, message };
  const conditions = withCondition(range.status?.conditions ?? [], condition);
  try {
    await client.resource(serviceCIDRKind).update({ ...range, status: { conditions } }, { subresource: 'status' });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error; // its event is on the way
  }
}
