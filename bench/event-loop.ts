// How late the API server's event loop comes while everything is asked of it at once: creates, lists in every form,
// watchers, and one client that sends as large and as odd bodies as are allowed. node bench/event-loop.ts [seconds]
import { TestCluster } from '../test/e2e/cluster.ts';
import { type Ask, WireClient } from '../test/upstream/client.ts';
import { loadPod } from './load-pod.ts';
import { type Figure, printAlone, quantile } from './report.ts';

const pods = '/api/v1/namespaces/default/pods';
const lists = [
  'application/json',
  'application/vnd.kubernetes.protobuf',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
];

export async function measureEventLoop(seconds = 20): Promise<Figure[]> {
  await using cluster = await TestCluster.create({ simulatedNodes: 0 });
  using client = new WireClient({ kubeconfig: cluster.kubeconfig, headers: {}, timeoutMs: 60_000 });
  const ask = async (each: Ask): Promise<string> => {
    const { code, body } = await client.request(each);
    if (code >= 500) throw new Error(`${each.method} ${each.path} was answered with ${code}`);
    return body.toString('latin1');
  };
  const create = (index: number) => ask({ method: 'POST', path: pods, body: JSON.stringify(loadPod(index)) });
  let count = 0;
  while (count < 10_000) await Promise.all(Array.from({ length: 50 }, () => create(count++)));

  const until = performance.now() + seconds * 1000;
  const forever = async (work: () => Promise<unknown>) => {
    while (performance.now() < until) await work();
  };
  const waits: number[] = [];
  const small = async () => {
    const began = performance.now();
    await ask({ method: 'GET', path: `${pods}/pod-1` });
    waits.push(performance.now() - began);
  };
  await ask({ method: 'GET', path: '/metrics' }); // the figures begin here
  await Promise.all([
    ...Array.from({ length: 16 }, () => forever(() => create(count++))),
    ...lists.map((accept) => forever(() => ask({ method: 'GET', path: pods, headers: { accept } }))),
    forever(() =>
      ask({ method: 'GET', path: `${pods}?labelSelector=app%3Dapp-7&fieldSelector=status.phase%3DPending` }),
    ),
    ...hostile().map((each) => forever(() => ask(each))),
    forever(small),
  ]);
  const metrics = await ask({ method: 'GET', path: '/metrics' });
  const at = (share: string, what = 'delay') =>
    1000 * Number(new RegExp(`coracle_event_loop_${what}_seconds\\{quantile="${share}"\\} (\\S+)`).exec(metrics)?.[1]);
  const figure = (name: string, value: number, target?: number): Figure => ({
    name: `full load: ${name}`,
    value,
    unit: 'ms',
    isCost: true,
    ...(target === undefined ? {} : { target }),
  });
  return [
    figure('event loop delay, p50', at('0.5')),
    figure('event loop delay, p99', at('0.99'), 20),
    figure('event loop delay, longest', at('1')),
    figure('event loop delay by its own work, p99', at('0.99', 'work'), 20),
    figure('event loop delay by its own work, longest', at('1', 'work')),
    figure('get of one pod meanwhile, p50', quantile(waits, 0.5)),
    figure('get of one pod meanwhile, p99', quantile(waits, 0.99)),
  ];
}

/** Bodies that are read for nothing. */
function hostile(): Ask[] {
  const path = '/api/v1/namespaces/default/configmaps';
  const post = (body: string, type = 'application/json') => ({
    method: 'POST',
    path,
    headers: { 'content-type': type },
    body,
  });
  const start = '{"metadata":{"name":"x"},"data":';
  return [
    post(`${start}{"a":"${'x'.repeat(1_500_000)}"},"metadata":7}`),
    post(`${start}${'['.repeat(100_000)}`),
    post(`metadata: {name: x}\nlist: [${'1,'.repeat(60_000)}1]`, 'application/yaml'),
  ];
}

if (import.meta.main) await printAlone(() => measureEventLoop(Number(process.argv[2] ?? 20)));
