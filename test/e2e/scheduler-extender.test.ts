// Extenders and profiles, with an HTTP server of its own in another process.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { nodeKind, podKind } from '../../generated/kinds.ts';
import { parseConfiguration } from '../../src/scheduler/config/configuration.ts';
import { startCluster, type TestingCluster } from '../../src/testing/start-cluster.ts';

/** Filters by what the pod's labels say, ranks by the node's name, binds what it is told to, and counts. */
const program = `
const { createServer } = require('node:http');
const asked = [];
createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    const verb = request.url.slice(1);
    if (verb === 'asked') return response.end(JSON.stringify(asked));
    const body = JSON.parse(Buffer.concat(chunks));
    asked.push({ verb, pod: body.Pod?.metadata.name ?? body.PodName, nodes: body.NodeNames ?? body.Nodes?.items.length });
    const labels = body.Pod?.metadata.labels ?? {};
    if (labels.answer === 'broken') { response.statusCode = 500; return response.end(); }
    if (verb === 'filter') {
      const wanted = body.NodeNames.filter((name) => name.endsWith(labels.only ?? ''));
      const failed = body.NodeNames.filter((name) => !wanted.includes(name)).map((name) => [name, 'not to its taste']);
      return response.end(JSON.stringify({ nodenames: wanted, failedNodes: Object.fromEntries(failed) }));
    }
    if (verb === 'prioritize') {
      return response.end(JSON.stringify(body.NodeNames.map((Host) => ({ Host, Score: Host.endsWith('-2') ? 10 : 0 }))));
    }
    response.end('{}');
  });
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
`;

async function startExtender(): Promise<{ port: number; stop(): Promise<void> }> {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    port: Number(line.toString().trim()),
    async stop() {
      child.kill();
      await once(child, 'exit');
    },
  };
}

const header = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';

async function addPod(cluster: TestingCluster, name: string, labels: Record<string, string>, schedulerName?: string) {
  const spec = { containers: [{ name: 'c', image: 'img:1' }], ...(schedulerName ? { schedulerName } : {}) };
  await cluster.client
    .resource(podKind)
    .create({ metadata: { name, namespace: 'default', labels }, spec: spec as never });
}

/** Answers over HTTP take real time, however the cluster's is moved. */
async function untilPod(cluster: TestingCluster, name: string, isSo: (text: string) => boolean): Promise<string> {
  for (let attempt = 0; attempt < 400; attempt++) {
    await cluster.clock.advance('250ms');
    const pod = await cluster.client.resource(podKind).get({ namespace: 'default', name });
    const told = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? '';
    const text = pod.spec.nodeName ?? told;
    if (isSo(text)) return text;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return assert.fail(`${name} has not come so far`);
}

test('an extender takes nodes away, ranks the rest, and its failure is told', async () => {
  const extender = await startExtender();
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => extender.stop());
  const configuration = parseConfiguration(`${header}
profiles:
- schedulerName: default-scheduler
- schedulerName: packing
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated}}
extenders:
- urlPrefix: http://127.0.0.1:${extender.port}/
  filterVerb: filter
  prioritizeVerb: prioritize
  weight: 100
  nodeCacheCapable: true
`);
  await using cluster = await startCluster({ nodes: 3, configuration });
  const nodes = (await cluster.client.resource(nodeKind).list()).items.map(({ metadata }) => metadata.name);
  assert.equal(nodes.length, 3);
  await addPod(cluster, 'ranked', {});
  assert.match(await untilPod(cluster, 'ranked', (text) => text !== ''), /-2$/);
  await addPod(cluster, 'picky', { only: 'd-1' }, 'packing');
  assert.match(await untilPod(cluster, 'picky', (text) => text !== ''), /-1$/);
  await addPod(cluster, 'refused', { only: 'x' });
  const refused = await untilPod(cluster, 'refused', (text) => text !== '');
  assert.match(refused, /^0\/3 nodes are available: 3 not to its taste\. /);
  await addPod(cluster, 'broken', { answer: 'broken' });
  const broken = await untilPod(cluster, 'broken', (text) => text !== '');
  assert.equal(broken, `failed filter with extender at URL http://127.0.0.1:${extender.port}, code 500`);
  await addPod(cluster, 'stranger', {}, 'nobody');
  await cluster.clock.advance('5s');
  const stranger = await cluster.client.resource(podKind).get({ namespace: 'default', name: 'stranger' });
  assert.equal(stranger.spec.nodeName, undefined);
});

test('an extender binds, and pods it has nothing to do with are not shown to it', async () => {
  const extender = await startExtender();
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => extender.stop());
  const configuration = parseConfiguration(`${header}
extenders:
- urlPrefix: http://127.0.0.1:${extender.port}
  filterVerb: filter
  bindVerb: bind
  nodeCacheCapable: true
  managedResources: [{name: example.com/thing, ignoredByScheduler: true}]
`);
  await using cluster = await startCluster({ nodes: 2, configuration });
  await addPod(cluster, 'plain', {});
  await untilPod(cluster, 'plain', (text) => text !== '');
  const resources = { requests: { 'example.com/thing': '1' }, limits: { 'example.com/thing': '1' } };
  const spec = { containers: [{ name: 'c', image: 'img:1', resources }] };
  const metadata = { name: 'special', namespace: 'default' };
  await cluster.client.resource(podKind).create({ metadata, spec: spec as never });
  const asked = async () => {
    await cluster.clock.advance('250ms');
    const answer = await fetch(`http://127.0.0.1:${extender.port}/asked`);
    return (await answer.json()) as { verb: string; pod: string }[];
  };
  let seen = await asked();
  for (let attempt = 0; attempt < 400 && seen.length < 2; attempt++) seen = await asked();
  assert.deepEqual(
    seen.slice(0, 2).map(({ verb, pod }) => `${verb} ${pod}`),
    ['filter special', 'bind special'],
  );
});
