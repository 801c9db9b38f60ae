// Nodes, pods and what happens to them, by chance from a seed.
import type { Affinity, Node, Pod, PodSpec, Service, Taint } from '../../../generated/core-v1.ts';
import type { Random } from '../../base/random.ts';

const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';
const mib = 2 ** 20;

export class Chance {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  is(share: number): boolean {
    return this.#random.next() < share;
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

export function randomNode(chance: Chance, name: string): Node {
  const labels: Record<string, string> = { [hostname]: name, disk: chance.of(['ssd', 'hdd']) };
  if (chance.is(0.85)) labels[zone] = chance.of(['a', 'b', 'c']);
  if (chance.is(0.3)) labels['rack'] = chance.of(['1', '2']);
  const taints = [
    ...(chance.is(0.15) ? [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' }] : []),
    ...(chance.is(0.2) ? [{ key: 'slow', effect: 'PreferNoSchedule' }] : []),
  ];
  const images = chance.is(0.5)
    ? [{ names: [`example.com/app:${chance.below(3)}`], sizeBytes: (30 + chance.below(900)) * mib }]
    : [];
  return {
    metadata: { name, labels },
    spec: {
      ...(chance.is(0.1) ? { unschedulable: true } : {}),
      ...(taints.length > 0 ? { taints: taints as Taint[] } : {}),
    },
    status: {
      allocatable: {
        cpu: chance.of(['2', '4']),
        memory: chance.of(['4Gi', '8Gi']),
        pods: chance.of(['4', '20']),
        ...(chance.is(0.3) ? { 'example.com/gpu': '2' } : {}),
      },
      images,
    },
  };
}

const groups = ['web', 'db', 'cache'];

function randomTerm(chance: Chance) {
  return {
    labelSelector: { matchLabels: { app: chance.of(groups) } },
    topologyKey: chance.of([hostname, zone, 'rack']),
    ...(chance.is(0.2) ? { namespaceSelector: { matchLabels: { team: chance.of(['x', 'y']) } } } : {}),
  };
}

function randomAffinity(chance: Chance): Affinity {
  const some = <T>(share: number, make: () => T) => (chance.is(share) ? { value: make() } : undefined);
  const preferred = () => [{ weight: 1 + chance.below(9), podAffinityTerm: randomTerm(chance) }];
  const podAffinity = {
    ...(chance.is(0.2) ? { requiredDuringSchedulingIgnoredDuringExecution: [randomTerm(chance)] } : {}),
    ...(chance.is(0.4) ? { preferredDuringSchedulingIgnoredDuringExecution: preferred() } : {}),
  };
  const podAntiAffinity = {
    ...(chance.is(0.3) ? { requiredDuringSchedulingIgnoredDuringExecution: [randomTerm(chance)] } : {}),
    ...(chance.is(0.3) ? { preferredDuringSchedulingIgnoredDuringExecution: preferred() } : {}),
  };
  const expression = { key: 'disk', operator: chance.of(['In', 'NotIn']), values: ['ssd'] };
  const required = some(0.3, () => ({ nodeSelectorTerms: [{ matchExpressions: [expression] }] }));
  const wish = some(0.4, () => [{ weight: 1 + chance.below(9), preference: { matchExpressions: [expression] } }]);
  const nodeAffinity = {
    ...(required ? { requiredDuringSchedulingIgnoredDuringExecution: required.value } : {}),
    ...(wish ? { preferredDuringSchedulingIgnoredDuringExecution: wish.value } : {}),
  };
  const affinity = {
    ...(Object.keys(podAffinity).length > 0 ? { podAffinity } : {}),
    ...(Object.keys(podAntiAffinity).length > 0 ? { podAntiAffinity } : {}),
    ...(Object.keys(nodeAffinity).length > 0 ? { nodeAffinity } : {}),
  };
  return affinity as Affinity;
}

function randomSpread(chance: Chance): NonNullable<PodSpec['topologySpreadConstraints']> {
  return Array.from({ length: 1 + chance.below(2) }, () => ({
    topologyKey: chance.of([hostname, zone, 'rack']),
    maxSkew: 1 + chance.below(3),
    whenUnsatisfiable: chance.of(['DoNotSchedule', 'ScheduleAnyway']),
    labelSelector: { matchLabels: { app: chance.of(groups) } },
    ...(chance.is(0.2) ? { nodeTaintsPolicy: 'Honor' } : {}),
    ...(chance.is(0.2) ? { nodeAffinityPolicy: 'Ignore' } : {}),
    ...(chance.is(0.2) ? { minDomains: 3 } : {}),
  }));
}

/** What pods are made from; many pods share one. */
export function randomTemplate(chance: Chance): Pod {
  const owner = chance.is(0.4) ? `rs-${chance.below(3)}` : undefined;
  const requests: Record<string, string> = {};
  if (chance.is(0.8)) requests['cpu'] = chance.of(['100m', '700m', '1500m', '3']);
  if (chance.is(0.6)) requests['memory'] = chance.of(['100Mi', '1Gi', '5Gi']);
  if (chance.is(0.1)) requests['example.com/gpu'] = '1';
  const ports = chance.is(0.15) ? { ports: [{ containerPort: 80, hostPort: 8080 }] } : {};
  return {
    metadata: {
      name: '',
      namespace: chance.of(['one', 'two']),
      labels: { app: chance.of(groups), ...(chance.is(0.2) ? { extra: String(chance.below(3)) } : {}) },
      ...(owner
        ? {
            ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }],
          }
        : {}),
    },
    spec: {
      priority: chance.below(3) * 10,
      containers: [{ name: 'c', image: `example.com/app:${chance.below(3)}`, resources: { requests }, ...ports }],
      ...(chance.is(0.2) ? { nodeSelector: { disk: chance.of(['ssd', 'hdd']) } } : {}),
      ...(chance.is(0.4) ? { tolerations: [{ key: chance.of(['dedicated', 'slow']), operator: 'Exists' }] } : {}),
      ...(chance.is(0.5) ? { affinity: randomAffinity(chance) } : {}),
      ...(chance.is(0.3) ? { topologySpreadConstraints: randomSpread(chance) } : {}),
    },
  };
}

/** A pod of a template; with a time at which it started, for those that run. */
export function podOf(template: Pod, name: string, startedAt: number): Pod {
  return {
    metadata: { ...template.metadata, name, uid: name },
    spec: template.spec,
    status: { startTime: new Date(Date.UTC(2030, 0, 1) + startedAt * 1000).toISOString() },
  };
}

export const randomService = (chance: Chance, index: number): Service =>
  ({
    metadata: { name: `service-${index}`, namespace: chance.of(['one', 'two']) },
    spec: { selector: { app: chance.of(groups) } },
  }) as Service;
