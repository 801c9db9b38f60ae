// The resize subresource of pods: cpu and memory of containers, and of the pod as a whole, while it runs.
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../../generated/core-v1.ts';
import type { SubresourceRules } from '../kind.ts';
import { isEqual } from '../meta/equality.ts';
import { FieldErrors, FieldPath, path } from '../meta/field-errors.ts';
import { countGeneration, keepMetadata, keepStatus } from '../meta/strategy.ts';
import { dropGatedPodFields } from './gated-pod-fields.ts';
import { qosClassOf } from './pod-qos.ts';
import { validatePod } from './pod-validation.ts';

const at = path('spec');
const lists = ['containers', 'initContainers'] as const;
const parts = ['requests', 'limits'] as const;
const mirrorPod = 'kubernetes.io/config.mirror';

export const resize: SubresourceRules<Pod> = {
  prepareForUpdate(next, current) {
    const from = next.spec!;
    // What adds or removes containers is left as it is, for validation to refuse.
    if (lists.some((list) => sizeOf(from, list) !== sizeOf(current.spec!, list))) return;
    const spec = structuredClone(current.spec!);
    for (const list of lists) if (spec[list]) spec[list] = resized(spec[list], from[list]!);
    if (from.resources) spec.resources = from.resources;
    else delete spec.resources;
    dropGatedPodFields(spec);
    next.spec = spec;
    keepMetadata(next, current);
    keepStatus(next, current);
    countGeneration(next, current, ['spec']);
  },
  validateUpdate(next, current, errors) {
    // Nothing else is said of those.
    const never = whyNever(current);
    if (never) errors.forbidden(new FieldPath('[]'), never);
    else {
      validatePod(next, errors);
      validateResize(next, current, errors);
    }
  },
};

const sizeOf = (spec: PodSpec, list: (typeof lists)[number]): number => spec[list]?.length ?? 0;

/** The containers stored, with the resources asked for; those asked for, where names do not fit. */
function resized(stored: readonly Container[], asked: Container[]): Container[] {
  if (stored.some(({ name }, index) => asked[index]!.name !== name)) return asked;
  return stored.map(({ resizePolicy: _, ...container }, index) => {
    const { resources = {}, resizePolicy } = asked[index]!;
    return { ...container, resources, ...(resizePolicy ? { resizePolicy } : {}) };
  });
}

function whyNever({ metadata, spec }: Pod): string | undefined {
  if (metadata.annotations?.[mirrorPod] !== undefined) return 'static pods cannot be resized';
  return spec?.os?.name === 'windows' ? 'windows pods cannot be resized' : undefined;
}

function validateResize(next: Pod, current: Pod, errors: FieldErrors): void {
  const spec = next.spec!;
  const before = current.spec!;
  const found = new FieldErrors();
  const qosClass = current.status?.qosClass;
  if (qosClassOf(spec) !== (qosClass || qosClassOf(before))) {
    found.invalid(at, qosClass ?? '', 'Pod QOS Class may not change as a result of resizing');
  }
  if (!isOnAbleNode(current)) found.forbidden(at, 'Pod running on node without support for resize');
  const hasOfPod = hasResources(spec) || hasResources(before);
  if (hasOfPod) validatePodResources(spec.resources, before.resources, found);
  if (validateOrder(spec, before, found)) {
    for (const list of ['initContainers', 'containers'] as const) forbidRemovals(list, spec, before, found);
    spec.containers.forEach((container, index) => {
      if (!isOnlyResized(container, before.containers[index]!)) {
        found.forbidden(at, 'only cpu and memory resources are mutable');
      }
    });
    spec.initContainers?.forEach((container, index) => {
      const place = at.child('initContainers').index(index);
      validateInitContainer(container, before.initContainers![index]!, place, found);
    });
    const { containers, initContainers, resources } = before;
    const settled = { ...spec, containers, initContainers, ...(hasOfPod ? { resources } : {}) };
    if (found.isEmpty && !isEqual(settled, before)) found.forbidden(at, 'only cpu and memory resources are mutable');
  }
  errors.append(found);
}

const hasResources = ({ resources }: PodSpec): boolean =>
  parts.some((part) => Object.keys(resources?.[part] ?? {}).length > 0);

/** An agent that can resize says what containers have; as long as none runs, nobody knows. */
function isOnAbleNode({ status }: Pod): boolean {
  const running = status?.containerStatuses?.find(({ state }) => state?.running);
  return !running || running.resources !== undefined;
}

function validatePodResources(
  next: ResourceRequirements | undefined,
  before: ResourceRequirements | undefined,
  errors: FieldErrors,
): void {
  const place = at.child('resources');
  if (before && !next) {
    errors.forbidden(place, 'pod-level resources cannot be removed');
    return;
  }
  for (const part of parts) {
    if (!isRemoved(next?.[part], before?.[part])) continue;
    errors.forbidden(place.child(part), `pod-level resource ${part} cannot be removed`);
  }
  if (!sameOthers(next, before) || !isEqual(next?.claims, before?.claims)) {
    errors.forbidden(at, 'only cpu and memory resources are mutable at pod-level');
  }
}

/** False: containers cannot be compared one by one. */
function validateOrder(spec: PodSpec, before: PodSpec, errors: FieldErrors): boolean {
  const problems = errors.list.length;
  for (const list of lists) {
    const place = at.child(list);
    if (sizeOf(spec, list) !== sizeOf(before, list)) {
      errors.forbidden(place, `${list} may not be added or removed on resize`);
      continue;
    }
    before[list]?.forEach(({ name }, index) => {
      if (spec[list]![index]!.name === name) return;
      errors.forbidden(place.index(index).child('name'), `${list} may not be renamed or reordered on resize`);
    });
  }
  return errors.list.length === problems;
}

function forbidRemovals(list: (typeof lists)[number], spec: PodSpec, before: PodSpec, errors: FieldErrors): void {
  before[list]?.forEach(({ resources }, index) => {
    const place = at.child(list).index(index).child('resources');
    for (const part of parts) {
      if (!isRemoved(spec[list]![index]!.resources?.[part], resources?.[part])) continue;
      errors.forbidden(place.child(part), `resource ${part} cannot be removed`);
    }
  });
}

function validateInitContainer(container: Container, before: Container, place: FieldPath, errors: FieldErrors): void {
  if (!isOnlyResized(container, before)) {
    errors.forbidden(place, 'only cpu and memory resources for init or sidecar containers are mutable');
  }
  if (container.restartPolicy === 'Always' || isEqual(container, before)) return;
  for (const { restartPolicy } of container.resizePolicy ?? []) {
    if (restartPolicy !== 'RestartContainer') continue;
    errors.forbidden(place, 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized');
  }
}

type Amounts = Readonly<Record<string, string>> | undefined;

const isRemoved = (next: Amounts, before: Amounts): boolean =>
  Object.keys(before ?? {}).some((name) => next?.[name] === undefined);

const others = (amounts: Amounts): unknown =>
  Object.fromEntries(Object.entries(amounts ?? {}).filter(([name]) => name !== 'cpu' && name !== 'memory'));

const sameOthers = (next: ResourceRequirements | undefined, before: ResourceRequirements | undefined): boolean =>
  parts.every((part) => isEqual(others(next?.[part]), others(before?.[part])));

/** Containers that have claims are not resized, as upstream does not; claims that are asked for are told elsewhere. */
function isOnlyResized({ resources: next, ...rest }: Container, { resources: before, ...restBefore }: Container) {
  return !before?.claims?.length && sameOthers(next, before) && isEqual(rest, restBefore);
}
