// What a node can do that older ones could not, by the names that nodes declare in their status, and which pods need it.
import type { Container, PodSpec } from '../../../generated/core-v1.ts';
import { isEqual } from '../meta/equality.ts';

interface NodeFeature {
  readonly name: string;
  /** Asked before a pod has a node. */
  readonly isNeededBy?: (spec: PodSpec) => boolean;
  /** Asked of a change to a pod that has one. */
  readonly isNeededForUpdate?: (next: PodSpec, current: PodSpec) => boolean;
}

const containersOf = ({ containers, initContainers = [] }: PodSpec): Container[] => [...containers, ...initContainers];

/** In the order in which they are declared and named. */
const known: readonly NodeFeature[] = [
  { name: 'ExtendWebSocketsToKubelet' },
  {
    name: 'InPlacePodLevelResourcesVerticalScaling',
    isNeededForUpdate: (next, current) => !isEqual(next.resources, current.resources),
  },
  {
    name: 'InPlacePodVerticalScalingInitContainers',
    isNeededForUpdate: (next, current) =>
      (current.initContainers ?? []).some(
        ({ restartPolicy, resources = {} }, index) =>
          restartPolicy !== 'Always' && !isEqual(resources, next.initContainers?.[index]?.resources ?? {}),
      ),
  },
  {
    name: 'RestartAllContainersOnContainerExits',
    isNeededBy: (spec) =>
      containersOf(spec).some(({ restartPolicyRules }) =>
        restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
      ),
  },
  {
    name: 'UserNamespacesHostNetworkSupport',
    isNeededBy: ({ hostNetwork, hostUsers }) => hostNetwork === true && hostUsers === false,
  },
];

/** What our nodes declare: user namespaces in the host's network are behind a gate that is off. */
export const declaredFeatures: readonly string[] = known
  .map(({ name }) => name)
  .filter((name) => name !== 'UserNamespacesHostNetworkSupport');

/** What a node must declare to be given the pod. */
export const featuresForScheduling = (spec: PodSpec): readonly string[] =>
  known.filter(({ isNeededBy }) => isNeededBy?.(spec)).map(({ name }) => name);

/** What the pod's node must declare for the change. */
export const featuresForUpdate = (next: PodSpec, current: PodSpec): readonly string[] =>
  known.filter(({ isNeededForUpdate }) => isNeededForUpdate?.(next, current)).map(({ name }) => name);
