// Autoscaling on figures that simulated pods make up, through the real metrics API.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestCluster } from './cluster.ts';

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {simulated.coracle.dev/cpu: 150m, simulated.coracle.dev/memory: 64Mi}
    spec:
      containers: [{name: c, image: nginx, resources: {requests: {cpu: 100m}}}]
`;

test('kubectl top shows what is used, and an autoscaler acts on it', async () => {
  await using cluster = await TestCluster.create({ simulatedNodes: 2 });
  await cluster.kubectl('apply -f -', { input: deployment });
  await cluster.kubectl('autoscale deployment web --min=1 --max=10 --cpu-percent=50');
  await cluster.kubectl('rollout status deployment/web --timeout=180s');
  await cluster.kubectl('wait --for=condition=Available apiservice/v1beta1.metrics.k8s.io --timeout=30s');
  await cluster.eventually('figures of both pods', async () => {
    const pods = await cluster.kubectl('top pods --no-headers');
    assert.match(pods, /^(web-\S+ +150m +64Mi *\n){2}$/);
    return true;
  });
  const nodes = await cluster.kubectl('top nodes --no-headers');
  assert.match(nodes, /^simulated-0 +\d+m .*\nsimulated-1 +\d+m /);
  const missing = await cluster.tryKubectl('top pod nobody');
  assert.match(missing.stderr, /podmetrics.metrics.k8s.io "default\/nobody" not found/);
  await cluster.kubectl('wait --for=jsonpath={.status.desiredReplicas}=4 hpa/web --timeout=120s');
  const events = await cluster.kubectl(
    'get events --field-selector reason=SuccessfulRescale -o jsonpath={.items[*].message}',
  );
  assert.match(events, /New size: \d+; reason: cpu resource utilization \(percentage of request\) above target/);
});
