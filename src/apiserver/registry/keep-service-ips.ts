// An IPAddress for each cluster address of a Service, as upstream's allocator leaves one behind: made when the address is
// given out, gone when it is given back. The addresses themselves are claimed in the Service's own commit (service-claims.ts);
// these objects say so to whoever looks, and to the ranges that wait for them to go.
import type { Service } from '../../../generated/core-v1.ts';
import { ipAddressKind, serviceKind } from '../../../generated/kinds.ts';
import type { IPAddress } from '../../../generated/networking-v1.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { parseIp } from '../../api/meta/ip-address.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { onChange } from './on-change.ts';
import type { Registry } from './registry.ts';
import { clusterIpsOf } from './service-families.ts';
import { resourcePrefix } from './storage-key.ts';

export interface KeepServiceIpsOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  /** A request of the server to itself; gives the code. */
  ask(method: 'POST' | 'DELETE', path: string, body: object): Promise<number>;
}

const retryMs = 1000;
const collection = '/apis/networking.k8s.io/v1/ipaddresses';
export const managedByLabel = 'ipaddress.kubernetes.io/managed-by';
export const managedBy = 'ipallocator.k8s.io';
/** Somebody else was quicker: it is looked at again. */
const lostRaces = new Set([404, 409]);

export async function keepServiceIps(options: KeepServiceIpsOptions, signal: AbortSignal): Promise<void> {
  const { registry, clock } = options;
  let changed = Promise.withResolvers<void>();
  const look = () => changed.resolve();
  look();
  signal.addEventListener('abort', look, { once: true });
  using _services = onChange(registry.hub.cache(resourcePrefix({ group: '', plural: 'services' })), look);
  using _addresses = onChange(
    registry.hub.cache(resourcePrefix({ group: 'networking.k8s.io', plural: 'ipaddresses' })),
    look,
  );
  for (;;) {
    await changed.promise;
    if (signal.aborted) return;
    changed = Promise.withResolvers();
    if (!(await keepOnce(options))) {
      look();
      await clock.sleep(retryMs, signal);
    }
  }
}

/** False: something has to be tried again. */
async function keepOnce({ registry, log, ask }: KeepServiceIpsOptions): Promise<boolean> {
  const wanted = wantedAddresses(registry.list<Service & KubernetesObject>(serviceKind as never));
  const stored = registry.list<IPAddress & KubernetesObject>(ipAddressKind as never);
  const found = new Map(stored.map((address) => [address.metadata.name, address]));
  const asked: Promise<number>[] = [];
  for (const address of stored) {
    const own = wanted.get(address.metadata.name);
    const isOurs = address.metadata.labels?.[managedByLabel] === managedBy;
    if (!isOurs || (own && isEqual(own.spec, address.spec))) continue;
    const preconditions = { uid: address.metadata.uid };
    asked.push(
      ask('DELETE', `${collection}/${address.metadata.name}`, {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions,
      }),
    );
  }
  for (const [name, address] of wanted) if (!found.has(name)) asked.push(ask('POST', collection, address));
  const outcomes = await Promise.allSettled(asked);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') log.error('an IPAddress was not kept', outcome.reason);
    else if (outcome.value >= 300 && !lostRaces.has(outcome.value)) {
      log.warn('an IPAddress was not kept', { code: outcome.value });
    }
  }
  return outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value < 300);
}

function wantedAddresses(services: readonly (Service & KubernetesObject)[]): Map<string, IPAddress> {
  const wanted = new Map<string, IPAddress>();
  for (const service of services) {
    const { namespace, name } = service.metadata;
    for (const ip of clusterIpsOf(service)) {
      const labels = {
        'ipaddress.kubernetes.io/ip-family': `IPv${parseIp(ip)?.family ?? 4}`,
        [managedByLabel]: managedBy,
      };
      wanted.set(ip, {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'IPAddress',
        metadata: { name: ip, labels },
        spec: { parentRef: { resource: 'services', namespace: namespace!, name: name! } },
      });
    }
  }
  return wanted;
}
