// What is accepted in pods and should not be relied on.
import type { Pod, PodSpec, PodTemplateSpec, Volume } from '../../../generated/core-v1.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldPath, path } from '../meta/field-errors.ts';
import { quantityOf } from '../meta/quantity.ts';
import { appArmorPrefix } from './pod-annotations-validation.ts';
import { appArmorProfileOf } from './pod-preparation.ts';

const deprecatedVolumes: Partial<Record<keyof Volume, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};
const deprecatedNodeLabels: Record<string, string> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

export function podWarnings(pod: Pod, current: Pod | undefined): string[] {
  return current ? [] : specWarnings(pod.spec!, path('spec'));
}

/** Annotations from which the profile of a container was taken, or which name none. */
export function profileWarnings({ metadata, spec }: Pod): string[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].flatMap(({ name, securityContext }) => {
    const key = `${appArmorPrefix}${name}`;
    const annotation = metadata.annotations?.[key];
    if (annotation === undefined) return [];
    const profile = appArmorProfileOf(annotation);
    if (profile && !isEqual(profile, securityContext?.appArmorProfile)) return [];
    return [`metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`];
  });
}

/** Warnings of a template, unless an update left it as it was. */
export function templateWarnings(template: PodTemplateSpec | undefined, at: FieldPath): string[] {
  return template?.spec ? specWarnings(template.spec, at.child('spec')) : [];
}

function specWarnings(spec: PodSpec, at: FieldPath): string[] {
  return [
    ...Object.keys(spec.nodeSelector ?? {}).flatMap((key) => {
      const known = deprecatedNodeLabels[key];
      return known ? [`${at.child('nodeSelector').key(key)}: ${known}`] : [];
    }),
    ...selectorWarnings(spec, at),
    ...(spec.volumes ?? []).flatMap((volume, index) => volumeWarnings(volume, at.child('volumes').index(index))),
    ...(spec.imagePullSecrets ?? []).flatMap(({ name }, index) =>
      name ? [] : [`${at.child('imagePullSecrets').index(index).child('name')}: invalid empty name ""`],
    ),
    ...fractionWarnings(spec.overhead, at.child('overhead')),
    ...duplicateWarnings(spec, at),
  ];
}

/** A selector that was left out selects nothing, which few mean. */
function selectorWarnings({ topologySpreadConstraints = [], affinity }: PodSpec, at: FieldPath): string[] {
  const warn = (labelSelector: unknown, place: FieldPath) =>
    labelSelector ? [] : [`${place.child('labelSelector')}: a null labelSelector results in matching no pod`];
  const spread = topologySpreadConstraints.flatMap(({ labelSelector }, index) =>
    warn(labelSelector, at.child('topologySpreadConstraints').index(index)),
  );
  const terms = (['podAffinity', 'podAntiAffinity'] as const).flatMap((name) => {
    const place = at.child('affinity').child(name);
    const required = affinity?.[name]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const preferred = affinity?.[name]?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    return [
      ...required.flatMap(({ labelSelector }, index) =>
        warn(labelSelector, place.child('requiredDuringSchedulingIgnoredDuringExecution').index(index)),
      ),
      ...preferred.flatMap(({ podAffinityTerm }, index) => {
        const term = place.child('preferredDuringSchedulingIgnoredDuringExecution').index(index);
        return warn(podAffinityTerm?.labelSelector, term.child('podAffinityTerm'));
      }),
    ];
  });
  return [...spread, ...terms];
}

function volumeWarnings(volume: Volume, at: FieldPath): string[] {
  const warnings: string[] = [];
  for (const [name, text] of Object.entries(deprecatedVolumes)) {
    if (volume[name as keyof Volume] !== undefined) warnings.push(`${at.child(name)}: ${text}`);
  }
  if (volume.projected && !volume.projected.sources?.length) {
    warnings.push(`volume "${volume.name}" (Projected) has no sources provided`);
  } else if (volume.projected?.sources?.some((source) => Object.values(source).every((value) => value === undefined))) {
    warnings.push(`volume "${volume.name}" (Projected) has no sources provided`);
  }
  return warnings;
}

/** Half a byte is no use to anybody. */
function fractionWarnings(
  amounts: Readonly<Record<string, string>> | undefined,
  at: FieldPath,
  names: readonly string[] = ['memory', 'ephemeral-storage'],
): string[] {
  return names.flatMap((name) => {
    const amount = amounts?.[name];
    if (amount === undefined || quantityOf(amount).millis % 1000n === 0n) return [];
    return [`${at.key(name)}: fractional byte value "${amount}" is invalid, must be an integer`];
  });
}

/** Names that stand twice where the last one wins. */
function duplicateWarnings(spec: PodSpec, at: FieldPath): string[] {
  const warnings: string[] = [];
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      const { limits, requests } = container.resources ?? {};
      const own = at.child(list).index(index).child('resources');
      for (const name of ['memory', 'ephemeral-storage']) {
        warnings.push(...fractionWarnings(limits, own.child('limits'), [name]));
        warnings.push(...fractionWarnings(requests, own.child('requests'), [name]));
      }
      const seen = new Set<string>();
      container.env?.forEach(({ name, value }, position) => {
        const place = at.child(list).index(index).child('env').index(position);
        if (seen.has(name) && !value?.includes(`$(${name})`)) {
          warnings.push(`${place}: hides previous definition of "${name}", which may be dropped when using apply`);
        }
        seen.add(name);
      });
    }
  }
  return warnings;
}
