// From the request that makes a pod to the moment a watch says it is Ready.
import type { Pod } from '../generated/core-v1.ts';
import { podKind, serviceAccountKind } from '../generated/kinds.ts';
import { isConditionTrue } from '../src/api/meta/conditions.ts';
import { systemClock } from '../src/base/clock.ts';
import type { Client, NewObject } from '../src/client/client.ts';
import { createClient } from '../src/client/create-client.ts';
import { createKubeconfigTransport } from '../src/client/kubeconfig-transport.ts';
import type { TestCluster } from '../test/e2e/cluster.ts';

const namespace = 'default';
const patienceMs = 300_000;

export async function clientOf(cluster: TestCluster): Promise<{ client: Client } & AsyncDisposable> {
  const transport = await createKubeconfigTransport({ path: cluster.kubeconfig, clock: systemClock });
  return { client: createClient(transport), [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose]() };
}

/** Makes so many at once and gives the milliseconds each took; they are gone again when this returns. */
export async function startPods(client: Client, names: readonly string[]): Promise<number[]> {
  const pods = client.resource(podKind);
  await untilAccount(client);
  const { metadata } = await pods.list({ namespace, limit: 1 });
  const signal = AbortSignal.timeout(patienceMs);
  const stop = new AbortController();
  const began = new Map<string, number>();
  const tookMs = new Map<string, number>();
  const watching = (async () => {
    const left = new Set(names);
    const events = pods.watch({
      namespace,
      resourceVersion: metadata.resourceVersion ?? '',
      signal: AbortSignal.any([signal, stop.signal]),
    });
    for await (const event of events) {
      if (event.type === 'BOOKMARK') continue;
      const { metadata, status } = event.object;
      if (event.type === 'DELETED' && left.delete(metadata.name) && left.size === 0) return;
      if (!tookMs.has(metadata.name) && isConditionTrue(status?.conditions, 'Ready')) {
        tookMs.set(metadata.name, performance.now() - began.get(metadata.name)!);
        if (tookMs.size === names.length) void removeAll(client, names);
      }
    }
  })();
  await Promise.all(
    names.map((name) => {
      began.set(name, performance.now());
      return pods.create(nginx(name));
    }),
  );
  await watching;
  stop.abort();
  return [...tookMs.values()];
}

async function removeAll(client: Client, names: readonly string[]): Promise<void> {
  const pods = client.resource(podKind);
  await Promise.all(names.map((name) => pods.delete({ namespace, name }, { gracePeriodSeconds: 0 }))).catch(() => {});
}

/** Pods are refused until their namespace has its service account. */
export async function untilAccount(client: Client): Promise<void> {
  const accounts = client.resource(serviceAccountKind);
  while (!(await accounts.find({ namespace, name: 'default' }))) await systemClock.sleep(5);
}

/** The pod whose start is measured. */
export function nginx(name: string): NewObject<Pod> {
  const spec: Pod['spec'] = {
    terminationGracePeriodSeconds: 0,
    containers: [
      { name: 'nginx', image: 'nginx:1.7.9', imagePullPolicy: 'IfNotPresent', ports: [{ containerPort: 80 }] },
    ],
  } as Pod['spec'];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec } as NewObject<Pod>;
}
