// LimitRanges: what a container gets that asks for nothing, and how much it may ask for.
import type {
  Container,
  LimitRange,
  LimitRangeItem,
  PersistentVolumeClaim,
  Pod,
  PodSpec,
} from '../../../../generated/core-v1.ts';
import { limitRangeKind, persistentVolumeClaimKind, podKind } from '../../../../generated/kinds.ts';
import { podResources, type Resources } from '../../../api/core/effective-resources.ts';
import { Quantity, quantityOf } from '../../../api/meta/quantity.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';

const annotation = 'kubernetes.io/limit-ranger';

export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  admit(request, context) {
    if (!isAbout(request, podKind) || request.operation !== 'CREATE') return;
    for (const limitRange of rangesOf(request, context)) setDefaults(request.object as Pod, limitRange);
  },
  validate(request, context) {
    const isPod = isAbout(request, podKind) && request.operation === 'CREATE';
    const isClaim = isAbout(request, persistentVolumeClaimKind) && ['CREATE', 'UPDATE'].includes(request.operation);
    if (!isPod && !isClaim) return;
    for (const { spec } of rangesOf(request, context)) {
      const check = isPod ? podProblems : claimProblems;
      const problems = spec!.limits.flatMap((limit) => check(request.object as any, limit));
      if (problems.length > 0) throw refuse(request, problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`);
    }
  },
};

function rangesOf(request: AdmissionRequest, { objects }: AdmissionContext): LimitRange[] {
  return objects.list(limitRangeKind, request.namespace).filter((range) => range.spec?.limits);
}

function setDefaults(pod: Pod, { spec }: LimitRange): void {
  const limits: Record<string, string> = Object.create(null);
  const requests: Record<string, string> = Object.create(null);
  for (const item of spec!.limits) {
    if (item.type !== 'Container') continue;
    Object.assign(limits, item.default);
    Object.assign(requests, item.defaultRequest);
  }
  const said: string[] = [];
  const fill = (container: Container, kind: string) => {
    container.resources ??= {};
    for (const [part, wanted] of [
      ['requests', requests],
      ['limits', limits],
    ] as const) {
      const missing = Object.keys(wanted)
        .filter((key) => container.resources![part]?.[key] === undefined)
        .sort();
      if (missing.length === 0) continue;
      const filled = Object.fromEntries(missing.map((key) => [key, wanted[key]!]));
      container.resources[part] = { ...container.resources[part], ...filled };
      said.push(`${missing.join(', ')} ${part.slice(0, -1)} for ${kind} ${container.name}`);
    }
  };
  for (const container of pod.spec.containers) fill(container, 'container');
  for (const container of pod.spec.initContainers ?? []) fill(container, 'init container');
  if (said.length === 0) return;
  // Of several ranges the last one that fills something is told of.
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [annotation]: `LimitRanger plugin set: ${said.join('; ')}`,
  };
}

function podProblems({ spec }: Pod, limit: LimitRangeItem): string[] {
  if (limit.type === 'Container') {
    const containers = [...spec.containers, ...(spec.initContainers ?? [])];
    return containers.flatMap(({ resources }) => problems(limit, parse(resources?.requests), parse(resources?.limits)));
  }
  return limit.type === 'Pod' ? problems(limit, ...podTotals(spec)) : [];
}

const podTotals = (spec: PodSpec): [Resources, Resources] => [
  podResources(spec, 'requests'),
  podResources(spec, 'limits'),
];

function claimProblems({ spec }: PersistentVolumeClaim, limit: LimitRangeItem): string[] {
  if (limit.type !== 'PersistentVolumeClaim') return [];
  const requests = parse(spec?.resources?.requests);
  const found: (string | undefined)[] = [];
  for (const [name, least] of Object.entries(limit.min ?? {}))
    found.push(tooLittle(limit.type, name, least, requests.get(name), undefined));
  for (const [name, most] of Object.entries(limit.max ?? {})) {
    const subject = `maximum ${name} usage per ${limit.type} is ${most}`;
    const request = requests.get(name);
    if (!request) found.push(`${subject}.  No request is specified`);
    else if (request.compare(quantityOf(most)) > 0) found.push(`${subject}, but request is ${request}`);
  }
  return found.filter((problem) => problem !== undefined);
}

function problems(limit: LimitRangeItem, requests: Resources, limits: Resources): string[] {
  const found: (string | undefined)[] = [];
  const sorted = (values: Record<string, string> | undefined) =>
    Object.entries(values ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, least] of sorted(limit.min))
    found.push(tooLittle(limit.type, name, least, requests.get(name), limits.get(name)));
  for (const [name, most] of sorted(limit.max))
    found.push(tooMuch(limit.type, name, most, requests.get(name), limits.get(name)));
  for (const [name, ratio] of sorted(limit.maxLimitRequestRatio)) {
    found.push(tooFarApart(limit.type, name, ratio, requests.get(name), limits.get(name)));
  }
  return found.filter((problem) => problem !== undefined);
}

function tooLittle(
  type: string,
  name: string,
  least: string,
  request?: Quantity,
  limit?: Quantity,
): string | undefined {
  const subject = `minimum ${name} usage per ${type} is ${least}`;
  const bound = quantityOf(least);
  if (!request) return `${subject}.  No request is specified`;
  if (request.compare(bound) < 0) return `${subject}, but request is ${request}`;
  return limit && limit.compare(bound) < 0 ? `${subject}, but limit is ${limit}` : undefined;
}

function tooMuch(type: string, name: string, most: string, request?: Quantity, limit?: Quantity): string | undefined {
  const subject = `maximum ${name} usage per ${type} is ${most}`;
  const bound = quantityOf(most);
  if (!limit) return `${subject}.  No limit is specified`;
  if (limit.compare(bound) > 0) return `${subject}, but limit is ${limit}`;
  return request && request.compare(bound) > 0 ? `${subject}, but request is ${request}` : undefined;
}

function tooFarApart(
  type: string,
  name: string,
  ratio: string,
  request?: Quantity,
  limit?: Quantity,
): string | undefined {
  const subject = `${name} max limit to request ratio per ${type} is ${ratio}`;
  if (!request || request.isZero) return `${subject}, but no request is specified or request is 0`;
  if (!limit || limit.isZero) return `${subject}, but no limit is specified or limit is 0`;
  const observed = Number(limit.nanos) / Number(request.nanos);
  const isOver = limit.nanos * Quantity.ofUnits(1).nanos > request.nanos * quantityOf(ratio).nanos;
  return isOver ? `${subject}, but provided ratio is ${observed.toFixed(6)}` : undefined;
}

function parse(values: Readonly<Record<string, string>> | undefined): Resources {
  return new Map(Object.entries(values ?? {}).map(([name, value]) => [name, quantityOf(value)]));
}
