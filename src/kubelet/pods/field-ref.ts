// The downward API: fields of a pod and resources of its containers as text.
import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '../../../generated/core-v1.ts';
import { quantityValue } from '../resources.ts';

/** What is not in the object: known to the node alone. */
export interface NodeFacts {
  readonly nodeName: string;
  readonly hostIPs: readonly string[];
  readonly podIPs: readonly string[];
  readonly allocatable: Readonly<Record<string, string>>;
}

/** @throws for a path that no field has. */
export function fieldValue(pod: Pod, { fieldPath = '' }: ObjectFieldSelector, facts: NodeFacts): string {
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (keyed) return pod.metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2]!] ?? '';
  switch (fieldPath) {
    case 'metadata.name':
      return pod.metadata.name;
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'metadata.labels':
      return formatMap(pod.metadata.labels);
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations);
    case 'spec.nodeName':
      return facts.nodeName;
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? '';
    case 'status.hostIP':
      return facts.hostIPs[0] ?? '';
    case 'status.hostIPs':
      return facts.hostIPs.join(',');
    case 'status.podIP':
      return facts.podIPs[0] ?? '';
    case 'status.podIPs':
      return facts.podIPs.join(',');
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`);
  }
}

/** `key="value"` lines, sorted. */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/** A limit that is not set is what the node can give. */
export function resourceValue(
  pod: Pod,
  selector: ResourceFieldSelector,
  self: string | undefined,
  facts: NodeFacts,
): string {
  const name = selector.containerName || self;
  const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((each) => each.name === name);
  if (!container) throw new Error(`container ${name} not found`);
  const [list, resource] = splitOnce(selector.resource);
  const quantity = amount(pod, container, list, resource, facts);
  const divisor = quantityValue(selector.divisor || '1') || 1;
  return String(Math.ceil(quantityValue(quantity) / divisor - 1e-9));
}

function amount(pod: Pod, container: Container, list: string, resource: string, facts: NodeFacts): string {
  const { limits, requests } = container.resources ?? {};
  if (list === 'limits')
    return limits?.[resource] ?? pod.spec.resources?.limits?.[resource] ?? facts.allocatable[resource] ?? '0';
  return requests?.[resource] ?? limits?.[resource] ?? '0';
}

function splitOnce(text: string): [string, string] {
  const dot = text.indexOf('.');
  return [text.slice(0, dot), text.slice(dot + 1)];
}
