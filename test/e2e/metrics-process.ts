// A server of custom and external metrics as adapters are, in a process of its own: `node metrics-process.ts CERT KEY ADDRESS`.
// Says its port when it serves.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

const [certFile = '', keyFile = '', address = ''] = process.argv.slice(2);
const custom = 'custom.metrics.k8s.io/v1beta2';
const external = 'external.metrics.k8s.io/v1beta1';
const timestamp = () => new Date().toISOString();

const figures: Readonly<Record<string, string>> = { requests_per_second: '25', hits: '150', queue_length: '100' };

function list(groupVersion: string, items: object[]) {
  const kind = groupVersion === custom ? 'MetricValueList' : 'ExternalMetricValueList';
  return { kind, apiVersion: groupVersion, metadata: {}, items };
}

/** The pods behind a selector are not ours to know: two are asked about, and both have the same figure. */
function ofPods(metric: string, names: readonly string[]) {
  const items = names.map((name) => ({
    describedObject: { kind: 'Pod', namespace: 'default', name, apiVersion: '/v1' },
    metric: { name: metric },
    timestamp: timestamp(),
    value: figures[metric],
  }));
  return list(custom, items);
}

function answer(url: URL): object | undefined {
  const path = url.pathname;
  for (const groupVersion of [custom, external])
    if (path === `/apis/${groupVersion}`)
      return {
        kind: 'APIResourceList',
        apiVersion: 'v1',
        groupVersion,
        resources: [{ name: 'any', singularName: '', namespaced: true, kind: 'Any', verbs: ['get'] }],
      };
  const [, ofPod] = /\/pods\/\*\/([^/]+)$/.exec(path) ?? [];
  if (ofPod && figures[ofPod]) return ofPods(ofPod, (process.env['PODS'] ?? pods).split(','));
  const [, ofObject] = /\/services\/front\/([^/]+)$/.exec(path) ?? [];
  if (ofObject && figures[ofObject]) {
    const describedObject = { kind: 'Service', namespace: 'default', name: 'front', apiVersion: '/v1' };
    return list(custom, [
      { describedObject, metric: { name: ofObject }, timestamp: timestamp(), value: figures[ofObject] },
    ]);
  }
  const [, ofOthers] = new RegExp(`^/apis/${external}/namespaces/default/([^/]+)$`).exec(path) ?? [];
  const isJobs = url.searchParams.get('labelSelector') === 'queue=jobs';
  if (ofOthers && figures[ofOthers] && isJobs)
    return list(external, [
      { metricName: ofOthers, metricLabels: { queue: 'jobs' }, timestamp: timestamp(), value: figures[ofOthers] },
    ]);
  return undefined;
}

/** Told once by the test. */
let pods = '';
process.on('message', (message: string) => {
  pods = message;
});

const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) => {
  request.resume();
  const found = answer(new URL(request.url ?? '/', 'https://metrics'));
  const missing = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
  response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(found ?? { ...missing, message: 'the server could not find the metric asked for' }));
});
server.listen(0, address, () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
