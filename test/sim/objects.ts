// Objects that users of the simulation make: small, few names, so that they meet each other.
import type { Random } from '../../src/base/random.ts';

export const namespaces = ['blue', 'red'] as const;

export function pick<T>(random: Random, of: readonly T[]): T {
  return of[Math.floor(random.next() * of.length)]!;
}

/** One of those, as often as its weight says. */
export function draw<T extends readonly [weight: number, ...rest: unknown[]]>(random: Random, of: readonly T[]): T {
  let dice = random.next() * of.reduce((sum, [weight]) => sum + weight, 0);
  for (const each of of) {
    dice -= each[0];
    if (dice < 0) return each;
  }
  return of[0]!;
}

export const below = (random: Random, limit: number): number => Math.floor(random.next() * limit);
export const chance = (random: Random, share: number): boolean => random.next() < share;

/** A template of pods that live a life of the seed's choosing. */
export function template(random: Random, labels: Record<string, string>, life: Record<string, string> = {}) {
  const annotations: Record<string, string> = { ...life };
  const set = (name: string, value: number) => {
    annotations[`simulated.coracle.dev/${name}`] = String(value);
  };
  if (chance(random, 0.3)) set('start-seconds', below(random, 4));
  if (chance(random, 0.4)) set('stop-seconds', below(random, 5));
  const hasProbe = chance(random, 0.3);
  if (hasProbe) set('ready-seconds', below(random, 6));
  const probe = hasProbe ? { readinessProbe: { exec: { command: ['x'] }, periodSeconds: 2 } } : {};
  const port = chance(random, 0.1) ? { ports: [{ containerPort: 80, hostPort: 8080 }] } : {};
  return {
    metadata: { labels: { ...labels }, annotations },
    spec: {
      terminationGracePeriodSeconds: pick(random, [0, 2, 10]),
      containers: [
        {
          name: 'main',
          image: `app:${below(random, 3)}`,
          resources: { requests: { cpu: pick(random, ['50m', '100m', '500m']), memory: '32Mi' } },
          ...probe,
          ...port,
        },
      ],
      ...(chance(random, 0.15) ? { topologySpreadConstraints: [spread(labels)] } : {}),
    },
  };
}

const spread = (labels: Record<string, string>) => ({
  maxSkew: 1,
  topologyKey: 'zone',
  whenUnsatisfiable: 'ScheduleAnyway',
  labelSelector: { matchLabels: labels },
});

export function jobTemplate(random: Random, labels: Record<string, string>) {
  const life = {
    'simulated.coracle.dev/run-seconds': String(pick(random, [1, 1, 5, 20])),
    ...(chance(random, 0.2) ? { 'simulated.coracle.dev/exit-code': '1' } : {}),
  };
  const made = template(random, labels, life);
  return { ...made, spec: { ...made.spec, restartPolicy: chance(random, 0.8) ? 'Never' : 'OnFailure' } };
}

export function jobSpec(random: Random, labels: Record<string, string>) {
  const isIndexed = chance(random, 0.4);
  const isPerIndex = isIndexed && chance(random, 0.3);
  const completions = pick(random, isIndexed ? [1, 3, 5] : [undefined, 1, 2, 4]);
  return {
    ...(completions !== undefined ? { completions } : {}),
    parallelism: pick(random, [1, 2, 3]),
    ...(isIndexed ? { completionMode: 'Indexed' } : {}),
    ...(isPerIndex ? { backoffLimitPerIndex: 1 } : { backoffLimit: pick(random, [0, 2, 4]) }),
    ...(chance(random, 0.2) ? { suspend: true } : {}),
    ...(chance(random, 0.2) ? { ttlSecondsAfterFinished: pick(random, [0, 30]) } : {}),
    ...(chance(random, 0.15) ? { activeDeadlineSeconds: pick(random, [10, 60]) } : {}),
    ...(chance(random, 0.2) ? { podReplacementPolicy: 'Failed' } : {}),
    template: isPerIndex ? neverRestarted(jobTemplate(random, labels)) : jobTemplate(random, labels),
  };
}

/** Restarts of a container are not counted by index: a pod that fails would go on for ever. */
function neverRestarted<T extends { spec: object }>(made: T): T {
  return { ...made, spec: { ...made.spec, restartPolicy: 'Never' } };
}
