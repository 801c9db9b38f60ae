// Pods that come and go, some fifty at once: with volumes, probes and hooks, so that there is something to leave behind.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod } from '../../generated/core-v1.ts';
import { configMapKind, podKind } from '../../generated/kinds.ts';
import type { Random } from '../../src/base/random.ts';
import type { Client } from '../../src/client/client.ts';

export interface ChurnFigures {
  readonly made: number;
  readonly deleted: number;
}

export interface Churn {
  /** No more comes or goes. */
  stop(): Promise<ChurnFigures>;
}

const pauseMs = 100;

export async function startChurn(client: Client, random: Random, count = 50): Promise<Churn> {
  await client
    .resource(configMapKind)
    .create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'default', name: 'facts' },
      data: { a: 'b' },
    })
    .catch(() => {}); // there already
  const stopping = new AbortController();
  const present: string[] = [];
  const figures = { made: 0, deleted: 0 };
  const run = async () => {
    while (!stopping.signal.aborted) {
      const grows = present.length < count && (present.length < count / 2 || random.next() < 0.6);
      try {
        if (grows) {
          const pod = aPod(`p${figures.made}`, random);
          await client.resource(podKind).create(pod);
          present.push(pod.metadata.name);
          figures.made++;
        } else {
          const [name] = present.splice(Math.floor(random.next() * present.length), 1);
          const gracePeriodSeconds = random.next() < 0.3 ? 0 : 1;
          if (name) await client.resource(podKind).delete({ namespace: 'default', name }, { gracePeriodSeconds });
          figures.deleted++;
        }
      } catch {
        // the API is away, on purpose
      }
      await sleep(pauseMs);
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
      return figures;
    },
  };
}

/** One of a few shapes. */
function aPod(name: string, random: Random): Pod & { metadata: { name: string } } {
  const shape = Math.floor(random.next() * 4);
  const volumes = [
    { name: 'scratch', emptyDir: shape === 1 ? { medium: 'Memory', sizeLimit: '1Mi' } : {} },
    { name: 'facts', configMap: { name: 'facts' } },
  ];
  const container = {
    name: 'c',
    image: 'busybox:1.36',
    command: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1; done'],
    volumeMounts: [
      { name: 'scratch', mountPath: '/scratch' },
      { name: 'facts', mountPath: shape === 2 ? '/facts/a' : '/facts', ...(shape === 2 && { subPath: 'a' }) },
    ],
    ...(shape === 3 && { readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 } }),
  };
  const spec = {
    terminationGracePeriodSeconds: 1,
    containers: shape === 0 ? [container, { ...container, name: 'd' }] : [container],
    volumes,
    ...(shape === 3 && { initContainers: [{ name: 'i', image: 'busybox:1.36', command: ['true'] }] }),
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name }, spec } as Pod & {
    metadata: { name: string };
  };
}
