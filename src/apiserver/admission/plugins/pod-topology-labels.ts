import type { Pod } from '../../../../generated/core-v1.ts';
import { nodeKind, podKind } from '../../../../generated/kinds.ts';
import type { ObjectReader } from '../../registry/object-reader.ts';
import type { AdmissionPlugin } from '../plugin.ts';
import { isAbout } from '../refuse.ts';

const keys = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

/** Where the node stands, as labels for its pods. */
export function topologyLabels(objects: ObjectReader, nodeName: string): Record<string, string> {
  const labels = objects.find(nodeKind, '', nodeName)?.metadata.labels ?? {};
  return Object.fromEntries(keys.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]])));
}

/** A pod made on a node gets the node's place; one that is scheduled gets it with its binding (subresources/binding.ts). */
export const podTopologyLabels: AdmissionPlugin = {
  name: 'PodTopologyLabels',
  admit(request, { objects }) {
    if (!isAbout(request, podKind) || request.operation !== 'CREATE') return;
    const { metadata, spec } = request.object as Pod;
    if (!spec.nodeName) return;
    const labels = topologyLabels(objects, spec.nodeName);
    if (Object.keys(labels).length > 0) metadata.labels = { ...metadata.labels, ...labels };
  },
};
