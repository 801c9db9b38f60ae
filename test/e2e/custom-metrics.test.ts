// Autoscaling on metrics of others: a server of its own behind APIServices, through the real aggregation.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { openPki } from '../../src/cluster/pki.ts';
import { hostAddress } from '../../src/cluster/settings/settings.ts';
import { TestCluster } from './cluster.ts';

const address = hostAddress();

const deployment = (name: string, replicas: number) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}, annotations: {simulated.coracle.dev/cpu: 150m}}
    spec: {containers: [{name: c, image: nginx, resources: {requests: {cpu: 100m}}}]}
---`;

const autoscaler = (name: string, metrics: string) => `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: ${name}}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ${name}}
  maxReplicas: 9
  metrics: [${metrics}]
---`;

const queue = (name: string) =>
  `{type: External, external: {metric: {name: ${name}, selector: {matchLabels: {queue: jobs}}}, target: {type: AverageValue, averageValue: 30}}}`;
const metrics = {
  pods: '{type: Pods, pods: {metric: {name: requests_per_second}, target: {type: AverageValue, averageValue: 10}}}',
  object:
    '{type: Object, object: {metric: {name: hits}, describedObject: {apiVersion: v1, kind: Service, name: front}, target: {type: Value, value: 50}}}',
  external: queue('queue_length'),
  // One that nobody has beside one that asks for more: the one decides.
  several: `${queue('nobody')}, ${queue('queue_length')}`,
  missing: queue('nobody'),
  container:
    '{type: ContainerResource, containerResource: {name: cpu, container: c, target: {type: Utilization, averageUtilization: 75}}}',
} as const;

const services = (port: number) => `
apiVersion: v1
kind: Service
metadata: {name: adapter, namespace: kube-system}
spec: {ports: [{name: https, port: 443, targetPort: ${port}}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: adapter, namespace: kube-system, labels: {kubernetes.io/service-name: adapter}}
addressType: IPv4
endpoints: [{addresses: [${address}]}]
ports: [{name: https, port: ${port}}]
---${['custom.metrics.k8s.io v1beta2', 'external.metrics.k8s.io v1beta1']
  .map((each) => each.split(' '))
  .map(
    ([group, version]) => `
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: ${version}.${group}}
spec:
  group: ${group}
  version: ${version}
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: adapter, namespace: kube-system}
---`,
  )
  .join('')}`;

const skip = address.startsWith('127.') ? 'needs an address that is not loopback' : false;

test('custom, external and container metrics scale, one by one and together; what is missing is said', {
  skip,
}, async () => {
  await using cluster = await TestCluster.create({ simulatedNodes: 2 });
  const pki = await openPki(cluster.folder, Date.now());
  await pki.ensure({ file: 'adapter', commonName: 'adapter', hosts: [address] });
  const files = ['adapter.crt', 'adapter.key'].map((name) => join(cluster.folder, name));
  const adapter = fork(join(import.meta.dirname, 'metrics-process.ts'), [...files, address]);
  try {
    const [port] = (await once(adapter, 'message')) as [number];
    const names = Object.keys(metrics) as (keyof typeof metrics)[];
    await cluster.kubectl('create service clusterip front --tcp=80');
    const everything = names.map((name) => deployment(name, name === 'pods' || name === 'container' ? 2 : 1)).join('');
    await cluster.kubectl('apply -f -', { input: services(port) + everything });
    for (const name of ['v1beta2.custom.metrics.k8s.io', 'v1beta1.external.metrics.k8s.io'])
      await cluster.kubectl(`wait --for=condition=Available apiservice/${name} --timeout=30s`);
    await cluster.kubectl('wait --for=condition=Available deployment --all --timeout=180s');
    adapter.send(
      (await cluster.kubectl('get pods -l app=pods -o jsonpath={.items[*].metadata.name}')).trim().replaceAll(' ', ','),
    );
    await cluster.kubectl('apply -f -', { input: names.map((name) => autoscaler(name, metrics[name])).join('') });
    const wanted = { pods: 4, object: 3, external: 4, several: 4, container: 4 };
    for (const [name, replicas] of Object.entries(wanted))
      await cluster.kubectl(`wait --for=jsonpath={.status.desiredReplicas}=${replicas} hpa/${name} --timeout=180s`);
    const reason = async (name: string) => {
      const { status } = JSON.parse(await cluster.kubectl(`get hpa ${name} -o json`));
      return status.conditions.find(({ type }: { type: string }) => type === 'ScalingActive')?.reason;
    };
    assert.equal(await reason('several'), 'ValidMetricFound');
    await cluster.eventually('what is missing is said', async () => {
      assert.equal(await reason('missing'), 'FailedGetExternalMetric');
      return true;
    });
    const told = async (pattern: RegExp) => {
      const { items } = JSON.parse(await cluster.kubectl('get events -o json'));
      return items.some((event: { reason: string; message: string }) =>
        pattern.test(`${event.reason}: ${event.message}`),
      );
    };
    for (const pattern of [
      /^FailedGetExternalMetric: .*unable to get external metric default\/nobody\//,
      /^SuccessfulRescale: New size: 3; reason: Service metric hits above target/,
      /^SuccessfulRescale: New size: 4; reason: external metric queue_length\(.*\) above target/,
      /^SuccessfulRescale: New size: 4; reason: pods metric requests_per_second above target/,
    ])
      await cluster.eventually(`an event like ${pattern}`, () => told(pattern), 20_000);
  } finally {
    adapter.kill();
  }
});
