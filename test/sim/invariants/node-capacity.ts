// No pod is bound twice, and no node is given more than it has.

import type { StoredObject } from '../ledger.ts';
import { type Invariant, isOver } from './invariant.ts';

export const nodeCapacity: Invariant = ({ ledger, fail }) => {
  return ({ resource, key, before, after }) => {
    if (resource !== 'pods' || !after?.['spec'].nodeName) return;
    const node = after['spec'].nodeName;
    const was = before?.metadata.uid === after.metadata.uid ? before?.['spec'].nodeName : undefined;
    if (was === node) return;
    if (was) fail(`pod ${key} moved from ${was} to ${node}`);
    const allocatable = ledger.find('nodes', node)?.['status']?.allocatable;
    if (!allocatable) return;
    const there = ledger.list('pods').filter((pod) => pod['spec'].nodeName === node && !isOver(pod));
    const cpu = there.reduce((sum, pod) => sum + cpuOf(pod), 0);
    const room = { cpu: milli(allocatable.cpu), pods: Number(allocatable.pods) };
    if (cpu > room.cpu) fail(`${node} has ${cpu} of ${room.cpu} millicores with ${key}`);
    if (there.length > room.pods) fail(`${node} has ${there.length} of ${room.pods} pods with ${key}`);
    const ports = there.flatMap(portsOf);
    if (new Set(ports).size < ports.length) fail(`${node} has two pods on one port with ${key}`);
  };
};

export const cpuOf = (pod: StoredObject): number =>
  pod['spec'].containers.reduce((sum: number, each: any) => sum + milli(each.resources?.requests?.cpu ?? '0'), 0);

export const portsOf = (pod: StoredObject): number[] =>
  pod['spec'].containers.flatMap((each: any) => (each.ports ?? []).flatMap(({ hostPort }: any) => hostPort ?? []));

export function milli(quantity: string): number {
  return quantity.endsWith('m') ? Number(quantity.slice(0, -1)) : Number(quantity) * 1000;
}
