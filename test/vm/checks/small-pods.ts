// A cluster for a check, and pods with one container of busybox: what each check has of its own it says.
import { type ClusterChoice, TestCluster } from '../../e2e/cluster.ts';

export interface SmallPod {
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the pod, beside its container. */
  readonly spec?: object;
  readonly container?: object;
}

/** Up, with its images, and ready for pods. */
export async function startCluster(choice: ClusterChoice = {}, ...images: readonly string[]): Promise<TestCluster> {
  const cluster = await TestCluster.create(choice);
  try {
    await cluster.loadImages('pause', 'busybox', ...images);
    await cluster.eventually('a service account', async () => (await cluster.tryKubectl('get sa default')).code === 0);
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

export const smallPod = (name: string, command: string, { labels, spec, container }: SmallPod = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...(labels ? { labels } : {}) },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'c', image: 'busybox:1.36', command: ['sh', '-c', command], ...container }],
    ...spec,
  },
});

/** One that runs once, with a volume at `path`. */
export const podWithVolume = (name: string, command: string, path: string, source: object) =>
  smallPod(name, command, {
    spec: { restartPolicy: 'Never', volumes: [{ name: 'v', ...source }] },
    container: { volumeMounts: [{ name: 'v', mountPath: path }] },
  });

export const create = (cluster: TestCluster, ...items: readonly object[]) =>
  cluster.kubectl('create -f -', { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });

export const untilSucceeded = (cluster: TestCluster, name: string) =>
  cluster.kubectl(`wait --for=jsonpath={.status.phase}=Succeeded --timeout=180s pod/${name}`);
