// An IPAddress for each cluster address of a Service, as upstream's allocator leaves one behind: made when the address is
// given out, gone when it is given back. The addresses themselves are claimed in the Service's own commit (service-claims.ts);
// these objects say so to whoever looks, and to the ranges that wait for them to go.
import { hostname } from 'node:os';
import { ipAddressKind, serviceCIDRKind, serviceKind } from '../../../generated/kinds.ts';
import { type Clock, rfc3339Micro } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { onChange } from './on-change.ts';
import type { Registry } from './registry.ts';
import {
  planRepairs,
  type Repair,
  RepairMemory,
  type StoredAddress,
  type StoredRange,
  type StoredService,
} from './service-ip-repairs.ts';
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
  const memory = new RepairMemory();
  using _ranges = onChange(
    registry.hub.cache(resourcePrefix({ group: 'networking.k8s.io', plural: 'servicecidrs' })),
    look,
  );
  for (;;) {
    await changed.promise;
    if (signal.aborted) return;
    changed = Promise.withResolvers();
    if (!(await keepOnce(options, memory))) {
      look();
      await clock.sleep(retryMs, signal);
    }
  }
}

/** False: something has to be tried again. */
async function keepOnce(options: KeepServiceIpsOptions, memory: RepairMemory): Promise<boolean> {
  const { registry, log, ask } = options;
  const { create, remove, repairs } = planRepairs(
    registry.list<StoredService>(serviceKind as never),
    registry.list<StoredAddress>(ipAddressKind as never),
    registry.list<StoredRange>(serviceCIDRKind as never),
    memory,
  );
  const asked = [
    ...remove.map(({ metadata: { name, uid } }) =>
      ask('DELETE', `${collection}/${name}`, { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } }),
    ),
    ...create.map((address) => ask('POST', collection, address)),
  ];
  for (const [index, repair] of repairs.entries()) void report(options, repair, index);
  const outcomes = await Promise.allSettled(asked);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') log.error('an IPAddress was not kept', outcome.reason);
    else if (outcome.value >= 300 && !lostRaces.has(outcome.value)) {
      log.warn('an IPAddress was not kept', { code: outcome.value });
    }
  }
  return outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value < 300);
}

const reporter = 'ipallocator-repair-controller';

/** An event says what was wrong; one that can not be written is not worth another. */
async function report({ ask, clock, log }: KeepServiceIpsOptions, repair: Repair, index: number): Promise<void> {
  const { regarding, reason, action, note } = repair;
  const { namespace, name, uid, resourceVersion } = regarding.metadata;
  const place = namespace ?? 'default';
  const nowMs = clock.now();
  const suffix = (BigInt(Math.floor(nowMs)) * 1_000_000n + BigInt(index)).toString(16);
  const event = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { namespace: place, name: `${name}.${suffix}` },
    eventTime: rfc3339Micro(nowMs),
    reportingController: reporter,
    reportingInstance: `${reporter}-${hostname()}`,
    type: 'Warning',
    action,
    reason,
    note: note.slice(0, 1024),
    regarding: {
      apiVersion: regarding.kind === 'IPAddress' ? 'networking.k8s.io/v1' : 'v1',
      kind: regarding.kind ?? 'Service',
      namespace,
      name,
      uid,
      resourceVersion,
    },
  };
  try {
    const code = await ask('POST', `/apis/events.k8s.io/v1/namespaces/${place}/events`, event);
    if (code >= 300) log.warn('an event about an address was refused', { code });
  } catch (error) {
    log.warn('an event about an address was not written', { problem: String(error) });
  }
}
