// The objects of metrics.k8s.io/v1beta1, and its discovery.
import { Quantity } from '../../api/meta/quantity.ts';
import { timeText } from '../../api/meta/time.ts';
import { formatDuration } from '../../schema/time.ts';
import type { Measured, PodUsage, Usage } from './readings.ts';

export const group = 'metrics.k8s.io';
export const version = 'v1beta1';
export const apiVersion = `${group}/${version}`;

const usageOf = ({ nanoCores, memoryBytes }: Usage) => ({
  cpu: new Quantity(BigInt(nanoCores)).toString(),
  memory: Quantity.ofUnits(memoryBytes, 'binary').toString(),
});

function measuredAt({ atMs, windowMs }: Pick<Measured, 'atMs' | 'windowMs'>) {
  return { timestamp: timeText(atMs), window: formatDuration(BigInt(Math.round(windowMs)) * 1_000_000n) };
}

interface About {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

function metadataOf({ name, namespace, labels }: About, atMs: number) {
  return {
    name,
    ...(namespace ? { namespace } : {}),
    creationTimestamp: timeText(atMs),
    ...(labels ? { labels } : {}),
  };
}

export function nodeMetrics(about: About, usage: Measured) {
  return {
    kind: 'NodeMetrics',
    apiVersion,
    metadata: metadataOf(about, usage.atMs),
    ...measuredAt(usage),
    usage: usageOf(usage),
  };
}

export function podMetrics(about: About, usage: PodUsage) {
  return {
    kind: 'PodMetrics',
    apiVersion,
    metadata: metadataOf(about, usage.atMs),
    ...measuredAt(usage),
    containers: [...usage.containers].map(([name, each]) => ({ name, usage: usageOf(each) })),
  };
}

export function listOf<T extends { kind: string; apiVersion: string }>(kind: string, items: readonly T[]) {
  return {
    kind: `${kind}List`,
    apiVersion,
    metadata: {},
    items: items.map(({ kind: _kind, apiVersion: _version, ...rest }) => rest),
  };
}

const verbs = ['get', 'list'];
export const resourceList = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: apiVersion,
  resources: [
    { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs },
    { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs },
  ],
};

const served = { groupVersion: apiVersion, version };
export const apiGroup = {
  kind: 'APIGroup',
  apiVersion: 'v1',
  name: group,
  versions: [served],
  preferredVersion: served,
};
export const apiGroupList = {
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: [{ name: group, versions: [served], preferredVersion: served }],
};
