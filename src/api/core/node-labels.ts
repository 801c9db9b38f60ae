// Labels of nodes that have newer names, and what is said to whoever still selects by them.
import type { LabelSelector } from '../../../generated/meta-v1.ts';
import type { FieldPath } from '../meta/field-errors.ts';

export const deprecatedNodeLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

/** `labels` stands below `at`. */
export function nodeLabelWarnings(labels: object | undefined, at: FieldPath): string[] {
  return Object.keys(labels ?? {}).flatMap((label) => {
    const known = deprecatedNodeLabels[label];
    return known ? [`${at}: ${known}`] : [];
  });
}

export function nodeSelectorWarnings(selector: LabelSelector | undefined, at: FieldPath): string[] {
  const { matchExpressions = [], matchLabels = {} } = selector ?? {};
  return [
    ...matchExpressions.flatMap(({ key }, index) => {
      const known = deprecatedNodeLabels[key];
      return known ? [`${at.child('matchExpressions').index(index).child('key')}: ${key} is ${known}`] : [];
    }),
    ...Object.keys(matchLabels).flatMap((label) => nodeLabelWarnings({ [label]: '' }, at.child('matchLabels', label))),
  ];
}
