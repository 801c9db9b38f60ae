import type { Pod } from '../../../../generated/core-v1.ts';
import { nodeKind, podKind } from '../../../../generated/kinds.ts';
import { podResources } from '../../../api/core/effective-resources.ts';
import { isEqual } from '../../../api/meta/equality.ts';
import { Quantity, quantityOf } from '../../../api/meta/quantity.ts';
import { StatusError } from '../../../api/meta/status-error.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';

/** A pod is not made larger than its node, and not resized at all where nodes cannot do it. */
export const podResizeValidator: AdmissionPlugin = {
  name: 'PodResizeValidator',
  validate(request, { objects }) {
    if (!isAbout(request, podKind, 'resize') || request.operation !== 'UPDATE') return;
    const pod = request.object as Pod;
    const { nodeName } = pod.spec;
    if (!nodeName || isEqual(pod.spec, (request.oldObject as Pod).spec)) return;
    const node = objects.find(nodeKind, '', nodeName);
    if (!node) throw refuse(request, `node "${nodeName}" not found`);
    const system = node.metadata.labels?.['kubernetes.io/os'] ?? 'linux';
    if (system !== 'linux') {
      const problem = `pod resize is only supported on linux nodes, node "${nodeName}" is "${system}"`;
      throw withCause(request, problem, 'UnsupportedPlatform');
    }
    const requests = podResources(pod.spec, 'requests');
    const problems: string[] = [];
    for (const [name, unit] of [
      ['cpu', 'millis'],
      ['memory', 'units'],
    ] as const) {
      const asked = requests.get(name) ?? Quantity.zero;
      const room = quantityOf(node.status?.allocatable?.[name] ?? '0');
      if (asked.compare(room) <= 0) continue;
      problems.push(`${name}, requested: ${asked[unit]}, allocatable: ${room[unit]}`);
    }
    if (problems.length === 0) return;
    throw withCause(request, `node didn't have enough allocatable resources: ${problems.join('; ')}`, 'NodeCapacity');
  },
};

function withCause(request: AdmissionRequest, problem: string, reason: string): StatusError {
  const { status } = refuse(request, problem);
  return new StatusError({ ...status, details: { ...status.details, causes: [{ reason }] } });
}
