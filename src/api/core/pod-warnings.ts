// What is accepted in pods and should not be relied on.
import type { Container, NodeSelectorTerm, Pod, PodSpec, PodTemplateSpec, Volume } from '../../../generated/core-v1.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldPath, goQuote, path } from '../meta/field-errors.ts';
import { ipWarnings } from '../meta/ip-address.ts';
import { dns1123LabelProblems, labelValueProblems } from '../meta/names.ts';
import type { KubernetesObject } from '../meta/object.ts';
import { fractionWarnings } from '../meta/quantity-warnings.ts';
import { deprecatedNodeLabels } from './node-labels.ts';
import { appArmorPrefix } from './pod-annotations-validation.ts';
import { appArmorProfileOf } from './pod-preparation.ts';
import { portWarnings } from './port-warnings.ts';
import { overlapWarnings } from './volume-path-warnings.ts';

type Annotations = Readonly<Record<string, string>> | undefined;

const deprecatedVolumes: readonly (readonly [keyof Volume, string, string?])[] = [
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+', 'storageOS'],
  ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['ephemeral', ''],
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];
const deprecatedAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};
const podSeccompAnnotation = 'seccomp.security.alpha.kubernetes.io/pod';
const containerSeccompPrefix = 'container.seccomp.security.alpha.kubernetes.io/';
const required = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';

/** A name from which names of pods are made should fit in one label; `use` says what is made of it. */
export function nameWarnings(
  { metadata: { name = '' } }: KubernetesObject,
  use = 'in Pod names and hostnames',
): string[] {
  const problems = dns1123LabelProblems(name);
  if (problems.length === 0) return [];
  const advice = 'which can result in surprising behavior; a DNS label is recommended';
  return [`metadata.name: this is used ${use}, ${advice}: [${problems.join(' ')}]`];
}

export function podWarnings(pod: Pod, current: Pod | undefined): string[] {
  if (current) return [];
  const { metadata, spec } = pod;
  const annotationsAt = path('metadata', 'annotations');
  return [
    ...nameWarnings(pod, "in the Pod's hostname"),
    ...specWarnings(spec!, path('spec'), metadata.annotations, annotationsAt),
  ];
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

/** Whether an update asks for anything new, as its generation tells. */
export const isChanged = (next: KubernetesObject, current: KubernetesObject | undefined): boolean =>
  next.metadata.generation !== current?.metadata.generation;

export function templateWarnings(template: PodTemplateSpec | undefined, at: FieldPath): string[] {
  if (!template?.spec) return [];
  const annotations = template.metadata?.annotations;
  return specWarnings(template.spec, at.child('spec'), annotations, at.child('metadata', 'annotations'), true);
}

function specWarnings(
  spec: PodSpec,
  at: FieldPath,
  annotations: Annotations,
  annotationsAt: FieldPath,
  isTemplate = false,
): string[] {
  const annotationWarnings = Object.keys(deprecatedAnnotations).flatMap((key) =>
    annotations?.[key] === undefined ? [] : [`${annotationsAt.key(key)}: ${deprecatedAnnotations[key]}`],
  );
  const isSeccompLoose = annotations?.[podSeccompAnnotation] !== undefined && !spec.securityContext?.seccompProfile;
  const seccomp = isSeccompLoose ? [seccompWarning(annotationsAt.key(podSeccompAnnotation))] : [];
  const grace = spec.terminationGracePeriodSeconds ?? 0;
  return [
    ...nodeLabelWarnings(spec, at),
    ...spreadWarnings(spec, at.child('topologySpreadConstraints')),
    ...annotationWarnings,
    ...(spec.volumes ?? []).flatMap((volume, index) => volumeWarnings(volume, at.child('volumes').index(index))),
    ...overlapWarnings(spec.volumes ?? []),
    ...repeatedWarnings(spec.hostAliases, 'ip', at.child('hostAliases')),
    ...repeatedWarnings(spec.imagePullSecrets, 'name', at.child('imagePullSecrets')),
    ...(spec.imagePullSecrets ?? []).flatMap(({ name }, index) =>
      name ? [] : [`${at.child('imagePullSecrets').index(index).child('name')}: invalid empty name ""`],
    ),
    ...fractionWarnings(spec.overhead, at.child('overhead'), 'memory', 'ephemeral-storage'),
    ...seccomp,
    ...containersOf(spec, at).flatMap(([container, place]) => [
      ...containerAnnotationWarnings(container, spec, annotations, annotationsAt, isTemplate),
      ...containerWarnings(container, place),
    ]),
    ...portWarnings(containersOf(spec, at)),
    ...(grace < 0
      ? [
          `${at.child('terminationGracePeriodSeconds')}: must be >= 0; negative values are invalid and will be treated as 1`,
        ]
      : []),
    ...affinityWarnings(spec, at.child('affinity')),
    ...(spec.dnsConfig?.nameservers ?? []).flatMap((server, index) =>
      ipWarnings(server, at.child('dnsConfig', 'nameservers').index(index)),
    ),
    ...(spec.hostAliases ?? []).flatMap(({ ip }, index) =>
      ipWarnings(ip, at.child('hostAliases').index(index).child('ip')),
    ),
  ];
}

const seccompWarning = (at: FieldPath): string =>
  `${at}: non-functional in v1.27+; use the "seccompProfile" field instead`;

/** All of them, in the order in which they start. */
function containersOf(spec: PodSpec, at: FieldPath): [Container, FieldPath][] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, index): [Container, FieldPath] => [
      container as Container,
      at.child(list).index(index),
    ]),
  );
}

function nodeLabelWarnings({ nodeSelector, affinity }: PodSpec, at: FieldPath): string[] {
  const selected = Object.keys(nodeSelector ?? {}).flatMap((key) => {
    const known = deprecatedNodeLabels[key];
    return known ? [`${at.child('nodeSelector').key(key)}: ${known}`] : [];
  });
  const place = at.child('affinity', 'nodeAffinity');
  const terms = affinity?.nodeAffinity?.[required]?.nodeSelectorTerms ?? [];
  const wishes = affinity?.nodeAffinity?.[preferred] ?? [];
  return [
    ...selected,
    ...terms.flatMap((term, index) => nodeTermWarnings(term, place.child(required, 'nodeSelectorTerms').index(index))),
    ...wishes.flatMap(({ preference }, index) =>
      nodeTermWarnings(preference, place.child(preferred).index(index).child('preference'), true),
    ),
  ];
}

export function nodeTermWarnings(term: NodeSelectorTerm, at: FieldPath, checksValues = false): string[] {
  return (term.matchExpressions ?? []).flatMap(({ key, values }, index) => {
    const place = at.child('matchExpressions').index(index);
    const known = deprecatedNodeLabels[key];
    const bad = checksValues
      ? (values ?? []).flatMap((value, position) =>
          labelValueProblems(value).map(
            (problem) => `${place.child('values').index(position)}: ${value} is invalid, ${problem}`,
          ),
        )
      : [];
    return [...(known ? [`${place.child('key')}: ${key} is ${known}`] : []), ...bad];
  });
}

const noSelector = (at: FieldPath): string => `${at}: a null labelSelector results in matching no pod`;

/** A selector that was left out selects nothing, which few mean. */
function spreadWarnings({ topologySpreadConstraints = [] }: PodSpec, at: FieldPath): string[] {
  return topologySpreadConstraints.flatMap(({ topologyKey, labelSelector }, index) => {
    const place = at.index(index);
    const known = deprecatedNodeLabels[topologyKey];
    return [
      ...(known ? [`${place.child('topologyKey')}: ${topologyKey} is ${known}`] : []),
      ...(labelSelector ? [] : [noSelector(place.child('labelSelector'))]),
    ];
  });
}

function affinityWarnings({ affinity }: PodSpec, at: FieldPath): string[] {
  return (['podAffinity', 'podAntiAffinity'] as const).flatMap((name) => {
    const place = at.child(name);
    const terms = affinity?.[name]?.[required] ?? [];
    const wishes = affinity?.[name]?.[preferred] ?? [];
    return [
      ...terms.flatMap(({ labelSelector }, index) =>
        labelSelector ? [] : [noSelector(place.child(required).index(index).child('labelSelector'))],
      ),
      ...wishes.flatMap(({ podAffinityTerm }, index) =>
        podAffinityTerm?.labelSelector
          ? []
          : [noSelector(place.child(preferred).index(index).child('podAffinityTerm', 'labelSelector'))],
      ),
    ];
  });
}

function volumeWarnings(volume: Volume, at: FieldPath): string[] {
  return deprecatedVolumes.flatMap(([name, text, shown = name]) => {
    if (volume[name] === undefined) return [];
    if (name !== 'ephemeral') return [`${at.child(shown)}: ${text}`];
    return claimWarnings(
      volume.ephemeral?.volumeClaimTemplate?.spec,
      at.child('ephemeral', 'volumeClaimTemplate', 'spec'),
    );
  });
}

/** Of a claim: parts of bytes. */
export function claimWarnings(
  spec: { resources?: { requests?: Record<string, string>; limits?: Record<string, string> } } | undefined,
  at: FieldPath,
): string[] {
  const { requests, limits } = spec?.resources ?? {};
  const place = at.child('resources');
  return [
    ...fractionWarnings(requests, place.child('requests'), 'storage'),
    ...fractionWarnings(limits, place.child('limits'), 'storage'),
  ];
}

function repeatedWarnings<K extends string>(
  items: readonly { readonly [key in K]?: string }[] = [],
  key: K,
  at: FieldPath,
): string[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const value = item[key] ?? '';
    if (seen.has(value)) return [`${at.index(index).child(key)}: duplicate ${key} ${goQuote(value)}`];
    seen.add(value);
    return [];
  });
}

function containerAnnotationWarnings(
  { name, securityContext }: Container,
  spec: PodSpec,
  annotations: Annotations,
  at: FieldPath,
  isTemplate: boolean,
): string[] {
  const warnings: string[] = [];
  const seccompKey = containerSeccompPrefix + name;
  if (annotations?.[seccompKey] !== undefined && !securityContext?.seccompProfile) {
    warnings.push(seccompWarning(at.key(seccompKey)));
  }
  const profileKey = appArmorPrefix + name;
  const annotation = annotations?.[profileKey];
  if (!isTemplate || annotation === undefined || securityContext?.appArmorProfile) return warnings;
  const podProfile = spec.securityContext?.appArmorProfile;
  if (podProfile && isEqual(podProfile, appArmorProfileOf(annotation))) return warnings;
  warnings.push(`${at.key(profileKey)}: deprecated since v1.30; use the "appArmorProfile" field instead`);
  return warnings;
}

/** Parts of bytes, and variables that stand twice where the last one wins. */
function containerWarnings({ resources, env }: Container, at: FieldPath): string[] {
  const { limits, requests } = resources ?? {};
  const place = at.child('resources');
  const warnings = ['memory', 'ephemeral-storage'].flatMap((name) => [
    ...fractionWarnings(limits, place.child('limits'), name),
    ...fractionWarnings(requests, place.child('requests'), name),
  ]);
  const seen = new Set<string>();
  env?.forEach(({ name, value = '', valueFrom }, position) => {
    const reference = `$(${name})`;
    const isHidden = valueFrom || value === reference || !value.includes(reference);
    if (seen.has(name) && isHidden) {
      const variable = at.child('env').index(position);
      warnings.push(
        `${variable}: hides previous definition of ${goQuote(name)}, which may be dropped when using apply`,
      );
    }
    seen.add(name);
  });
  return warnings;
}
