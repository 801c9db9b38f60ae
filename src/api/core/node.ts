import type { Node, NodeCondition } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isConditionTrue } from '../meta/conditions.ts';
import { path } from '../meta/field-errors.ts';
import { cidrWarnings } from '../meta/ip-address.ts';
import { keepSpec, keepStatus } from '../meta/strategy.ts';
import { validateDeclaredFeatures, validateNode, validateNodeUpdate } from './node-validation.ts';
import { roundResources } from './resource-defaults.ts';

/** `podCIDR` is the first of `podCIDRs`, and the older of the two. */
function alignPodCidrs({ spec }: Node): void {
  if (spec.podCIDR && spec.podCIDRs?.[0] !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR];
  else if (spec.podCIDRs?.[0]) spec.podCIDR = spec.podCIDRs[0];
}

function rolesOf(node: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith('node-role.kubernetes.io/')) {
      const role = key.slice('node-role.kubernetes.io/'.length);
      if (role) roles.add(role);
    } else if (key === 'kubernetes.io/role' && value) roles.add(value);
  }
  return [...roles].sort().join(',') || '<none>';
}

function statusOf({ spec, status }: Node): string {
  const conditions: readonly NodeCondition[] = status?.conditions ?? [];
  const isKnown = conditions.some(({ type }) => type === 'Ready');
  const ready = isKnown ? (isConditionTrue(conditions, 'Ready') ? 'Ready' : 'NotReady') : 'Unknown';
  return spec?.unschedulable ? `${ready},SchedulingDisabled` : ready;
}

const addressOf = ({ status }: Node, type: string): string =>
  status?.addresses?.find((address) => address.type === type)?.address ?? '<none>';

function kernelOf({ status }: Node): string {
  const { kernelVersion, architecture } = status?.nodeInfo ?? {};
  if (!kernelVersion) return '<unknown>';
  return architecture ? `${kernelVersion} (${architecture})` : kernelVersion;
}

export const nodeKind: KindDefinition<Node> = {
  group: '',
  version: 'v1',
  kind: 'Node',
  metadataLooks: ['object', 'change'],
  defaults(object) {
    object.spec ??= {};
    alignPodCidrs(object);
    if (object.status?.capacity && !object.status.allocatable)
      object.status.allocatable = { ...object.status.capacity };
    roundResources(object.status?.capacity);
    roundResources(object.status?.allocatable);
  },
  // Dynamic configuration of node agents is gone from upstream; what still has it keeps it.
  prepareForCreate({ spec, status }) {
    delete spec?.configSource;
    delete status?.config;
  },
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    if (!current.spec?.configSource) delete next.spec?.configSource;
  },
  validate: validateNode,
  validateUpdate: validateNodeUpdate,
  warnings: ({ spec }) => {
    const warnings: string[] = [];
    if (spec?.configSource) {
      warnings.push(`${path('spec', 'configSource')}: the feature is removed`);
    }
    if (spec?.externalID) {
      warnings.push(`${path('spec', 'externalID')}: this field is deprecated, and is unused by Kubernetes`);
    }
    const ranges = spec?.podCIDRs ?? [];
    warnings.push(...ranges.flatMap((each, index) => cidrWarnings(each, path('spec', 'podCIDRs').index(index))));
    return warnings;
  },
  subresources: {
    status: {
      prepareForUpdate(next, current) {
        keepSpec(next, current);
        if (!current.status?.config) delete next.status?.config;
      },
      validateUpdate(next, current, errors) {
        validateNodeUpdate(next, current, errors);
        validateDeclaredFeatures(next.status?.declaredFeatures ?? [], errors);
      },
    },
  },
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', description: 'The status of the node', cell: statusOf },
    { name: 'Roles', type: 'string', description: 'The roles of the node', cell: rolesOf },
    ageColumn,
    {
      name: 'Version',
      type: 'string',
      description: 'Kubelet Version reported by the node.',
      cell: ({ status }) => status?.nodeInfo?.kubeletVersion ?? '',
    },
    {
      name: 'Internal-IP',
      type: 'string',
      description:
        "List of addresses reachable to the node. Queried from cloud provider, if available. More info: https://kubernetes.io/docs/reference/node/node-status/#addresses Note: This field is declared as mergeable, but the merge key is not sufficiently unique, which can cause data corruption when it is merged. Callers should instead use a full-replacement patch. See https://pr.k8s.io/79391 for an example. Consumers should assume that addresses can change during the lifetime of a Node. However, there are some exceptions where this may not be possible, such as Pods that inherit a Node's address in its own status or consumers of the downward API (status.hostIP).",
      priority: 1,
      cell: (node) => addressOf(node, 'InternalIP'),
    },
    {
      name: 'External-IP',
      type: 'string',
      description:
        "List of addresses reachable to the node. Queried from cloud provider, if available. More info: https://kubernetes.io/docs/reference/node/node-status/#addresses Note: This field is declared as mergeable, but the merge key is not sufficiently unique, which can cause data corruption when it is merged. Callers should instead use a full-replacement patch. See https://pr.k8s.io/79391 for an example. Consumers should assume that addresses can change during the lifetime of a Node. However, there are some exceptions where this may not be possible, such as Pods that inherit a Node's address in its own status or consumers of the downward API (status.hostIP).",
      priority: 1,
      cell: (node) => addressOf(node, 'ExternalIP'),
    },
    {
      name: 'OS-Image',
      type: 'string',
      description: 'OS Image reported by the node from /etc/os-release (e.g. Debian GNU/Linux 7 (wheezy)).',
      priority: 1,
      cell: ({ status }) => status?.nodeInfo?.osImage || '<unknown>',
    },
    {
      name: 'Kernel-Version',
      type: 'string',
      description: "Kernel Version reported by the node from 'uname -r' (e.g. 3.16.0-0.bpo.4-amd64).",
      priority: 1,
      cell: kernelOf,
    },
    {
      name: 'Container-Runtime',
      type: 'string',
      description:
        'ContainerRuntime Version reported by the node through runtime remote API (e.g. containerd://1.4.2).',
      priority: 1,
      cell: ({ status }) => status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
    },
  ],
};
