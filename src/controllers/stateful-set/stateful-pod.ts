// Pods with names that stay: `web-0`, `web-1` …, and the claims that go with each name.
import type { StatefulSet } from '../../../generated/apps-v1.ts';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, Volume } from '../../../generated/core-v1.ts';
import { statefulSetKind } from '../../../generated/kinds.ts';
import { controllerReference } from '../../api/meta/owner-references.ts';
import type { NewObject } from '../../client/client.ts';
import { revisionHashLabel } from '../revisions/history.ts';
import { podFromTemplate } from '../shared/pod-control.ts';

const podNameLabel = 'statefulset.kubernetes.io/pod-name';
const podIndexLabel = 'apps.kubernetes.io/pod-index';
const namePattern = /^(.*)-([0-9]+)$/s;
const largestOrdinal = 2 ** 31 - 1;

export const podNameOf = (set: StatefulSet, ordinal: number) => `${set.metadata.name}-${ordinal}`;
export const startOf = (set: StatefulSet) => set.spec.ordinals?.start ?? 0;
/** The first ordinal that is too high. */
export const endOf = (set: StatefulSet) => startOf(set) + (set.spec.replicas ?? 1);

/** The ordinal in the pod's name; undefined when it is no name of this set. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const [, parent, digits] = namePattern.exec(pod.metadata.name) ?? [];
  if (parent !== set.metadata.name) return undefined;
  const ordinal = Number(digits);
  return ordinal <= largestOrdinal ? ordinal : undefined;
}

/** The claims of the set's pod with this ordinal, by the name of their volume. */
export function claimsOf(set: StatefulSet, ordinal: number): Map<string, PersistentVolumeClaim> {
  const { namespace = '' } = set.metadata;
  const claims = new Map<string, PersistentVolumeClaim>();
  for (const template of set.spec.volumeClaimTemplates ?? []) {
    const { labels, annotations } = template.metadata;
    claims.set(template.metadata.name, {
      metadata: {
        name: `${template.metadata.name}-${podNameOf(set, ordinal)}`,
        namespace,
        labels: { ...labels, ...set.spec.selector.matchLabels },
        ...(annotations ? { annotations } : {}),
      },
      ...(template.spec ? { spec: template.spec } : {}),
    } as PersistentVolumeClaim);
  }
  return claims;
}

/** What ties a pod to its name; labels may be lost, and are put back. */
function identityLabels(set: StatefulSet, ordinal: number): Record<string, string> {
  return { [podNameLabel]: podNameOf(set, ordinal), [podIndexLabel]: `${ordinal}` };
}

function volumesOf(set: StatefulSet, ordinal: number, volumes: readonly Volume[]): Volume[] {
  const claims = claimsOf(set, ordinal);
  const claimed = [...claims].map(([name, { metadata }]) => ({
    name,
    persistentVolumeClaim: { claimName: metadata.name },
  }));
  return [...claimed, ...volumes.filter(({ name }) => !claims.has(name))];
}

/** The pod for an ordinal, of a revision's template. */
export function statefulPod(
  set: StatefulSet,
  ordinal: number,
  { template, revision }: { template: PodTemplateSpec; revision: string },
): NewObject<Pod> {
  const pod = podFromTemplate(template, set.metadata.name, controllerReference(set, statefulSetKind));
  const name = podNameOf(set, ordinal);
  const volumes = volumesOf(set, ordinal, pod.spec?.volumes ?? []);
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      name,
      labels: { ...pod.metadata.labels, ...identityLabels(set, ordinal), [revisionHashLabel]: revision },
    },
    spec: {
      ...pod.spec!,
      hostname: name,
      ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}),
      ...(volumes.length > 0 ? { volumes } : {}),
    },
  };
}

/** The labels that the pod has lost. */
export function lostLabels(set: StatefulSet, ordinal: number, pod: Pod): Record<string, string> | undefined {
  const lost = Object.entries(identityLabels(set, ordinal)).filter(
    ([key, value]) => pod.metadata.labels?.[key] !== value,
  );
  return lost.length > 0 ? Object.fromEntries(lost) : undefined;
}
