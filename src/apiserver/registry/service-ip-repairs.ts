// What is wrong between Services' addresses and IPAddresses, what puts it right, and what is told of it. Pure.
import type { Service } from '../../../generated/core-v1.ts';
import type { IPAddress, ServiceCIDR } from '../../../generated/networking-v1.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { formatIp, isStrictSubset, parseCidr, parseIp } from '../../api/meta/ip-address.ts';
import { type KubernetesObject, keyOf } from '../../api/meta/object.ts';
import { clusterIpsOf } from './service-families.ts';

export const managedByLabel = 'ipaddress.kubernetes.io/managed-by';
export const managedBy = 'ipallocator.k8s.io';
const familyLabel = 'ipaddress.kubernetes.io/ip-family';

export type StoredService = Service & KubernetesObject;
export type StoredAddress = IPAddress & KubernetesObject;
export type StoredRange = ServiceCIDR & KubernetesObject;

export interface Repair {
  readonly regarding: KubernetesObject;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

export interface RepairPlan {
  readonly create: readonly IPAddress[];
  readonly remove: readonly StoredAddress[];
  readonly repairs: readonly Repair[];
}

/** What earlier looks have seen: without it, what is new could not be told from what was lost. */
export class RepairMemory {
  /** Addresses that had their object, and whose they were. */
  readonly seen = new Map<string, string>();
  /** `uid address` of those that were told to be out of range. */
  readonly outside = new Set<string>();
}

export function planRepairs(
  services: readonly StoredService[],
  addresses: readonly StoredAddress[],
  ranges: readonly StoredRange[],
  memory: RepairMemory,
): RepairPlan {
  const stored = new Map(addresses.map((address) => [address.metadata.name, address]));
  const owners = new Map<string, StoredService>();
  const create: IPAddress[] = [];
  const remove: StoredAddress[] = [];
  const repairs: Repair[] = [];
  const tell = (regarding: KubernetesObject, reason: string, note: string) => {
    const action = regarding.kind === 'IPAddress' ? 'IPAddressAllocation' : 'ClusterIPAllocation';
    repairs.push({ regarding, reason, action, note });
  };
  for (const service of services)
    for (const written of clusterIpsOf(service)) {
      const ip = canonical(written);
      const what = `[${familyOf(ip)}]: ${ip}`;
      const first = owners.get(ip);
      if (first) {
        tell(
          service,
          'ClusterIPAlreadyAllocated',
          `Cluster IP [${familyOf(ip)}]:${ip} was assigned to multiple services; please recreate service`,
        );
        continue;
      }
      owners.set(ip, service);
      if (isOutside(ip, ranges)) {
        const place = `${service.metadata.uid} ${ip}`;
        if (!memory.outside.has(place)) {
          const note = `Cluster IP ${what} is not within any configured Service CIDR; please recreate service`;
          tell(service, 'ClusterIPOutOfRange', note);
        }
        memory.outside.add(place);
        continue;
      }
      const wanted = addressOf(ip, service);
      const found = stored.get(ip);
      if (!found) {
        if (memory.seen.get(ip) === keyOf(service)) {
          tell(service, 'ClusterIPNotAllocated', `Cluster IP ${what} is not allocated; repairing`);
        }
        create.push(wanted);
      } else if (!isEqual(found.spec, wanted.spec)) {
        const of = `for Service ${keyOf(service)}`;
        tell(service, 'ClusterIPNotAllocated', `the ClusterIP ${what} ${of} has a wrong reference; repairing`);
        remove.push(found);
      } else if (!hasLabels(found, wanted)) remove.push(found);
    }
  for (const address of addresses) {
    const { name, labels } = address.metadata;
    if (owners.has(name) || labels?.[managedByLabel] !== managedBy) continue;
    const problem = memory.seen.has(name) ? undefined : strayProblem(address, services);
    if (problem) tell(address, problem.reason, problem.note);
    remove.push(address);
  }
  remember(memory, stored, owners);
  return { create, remove, repairs };
}

function remember(
  { seen, outside }: RepairMemory,
  stored: ReadonlyMap<string, StoredAddress>,
  owners: ReadonlyMap<string, StoredService>,
): void {
  for (const ip of seen.keys()) if (!owners.has(ip)) seen.delete(ip);
  for (const [ip, service] of owners) if (stored.has(ip)) seen.set(ip, keyOf(service));
  const present = new Set([...owners].map(([ip, { metadata }]) => `${metadata.uid} ${ip}`));
  for (const place of outside) if (!present.has(place)) outside.delete(place);
}

/** An address that was no Service's when it was first seen. */
function strayProblem({ metadata, spec }: StoredAddress, services: readonly StoredService[]) {
  const { group = '', resource = '', namespace = '', name = '' } = spec?.parentRef ?? {};
  if (group !== '' || resource !== 'services') {
    const reference = `&ParentReference{Group:${group},Resource:${resource},Namespace:${namespace},Name:${name},}`;
    return {
      reason: 'IPAddressNotAllocated',
      note: `IPAddress ${metadata.name} appears to have been modified, not referencing a Service ${reference}: cleaning up`,
    };
  }
  const about = `IPAddress: ${metadata.name} for Service ${namespace}/${name}`;
  return services.some((service) => keyOf(service) === `${namespace}/${name}`)
    ? { reason: 'IPAddressWrongReference', note: `${about} has a wrong reference; cleaning up` }
    : { reason: 'IPAddressNotAllocated', note: `${about} appears to have leaked: cleaning up` };
}

/** Without any range nothing is known of them yet. */
function isOutside(ip: string, ranges: readonly StoredRange[]): boolean {
  if (ranges.length === 0) return false;
  const host = parseCidr(`${ip}/${ip.includes(':') ? 128 : 32}`);
  const inRange = (cidr: string) => {
    const range = parseCidr(cidr);
    return host !== undefined && range !== undefined && isStrictSubset(host, range);
  };
  return !ranges.some(({ spec }) => spec?.cidrs?.some(inRange));
}

function addressOf(ip: string, { metadata }: StoredService): IPAddress {
  const { namespace, name } = metadata;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: { name: ip, labels: { [familyLabel]: familyOf(ip), [managedByLabel]: managedBy } },
    spec: { parentRef: { resource: 'services', namespace: namespace!, name: name! } },
  };
}

const hasLabels = (found: IPAddress, wanted: IPAddress) =>
  [familyLabel, managedByLabel].every((label) => found.metadata.labels?.[label] === wanted.metadata.labels?.[label]);

const familyOf = (ip: string) => `IPv${parseIp(ip)?.family ?? 4}`;

function canonical(ip: string): string {
  const parsed = parseIp(ip);
  return parsed ? formatIp(parsed) : ip;
}
