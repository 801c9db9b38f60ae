// `make differential CONTROLLERS=1 [SUBJECT=regex] [COUNT=n] [SEED=n]`: the same stories to upstream's controllers and to ours,
// with the same kubelet; after each step both namespaces must hold the same.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePorts } from '../../../bench/serving.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { TestCluster } from '../../e2e/cluster.ts';
import { WireClient } from '../../upstream/client.ts';
import { inLanes } from '../../upstream/recordings.ts';
import { UpstreamApiServer } from '../servers.ts';
import { beat, makeNodes, Side } from './side.ts';
import { differences, snapshot } from './snapshot.ts';
import { type Step, type Story, subjects, tell } from './stories.ts';

const { values } = parseArgs({
  options: {
    subject: { type: 'string', default: '' },
    count: { type: 'string', default: '40' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    jobs: { type: 'string', default: '4' },
    only: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});

const bin = process.env['UPSTREAM_BIN'];
if (!bin) throw new Error('UPSTREAM_BIN: a folder with etcd, kube-apiserver and kube-controller-manager');
const beatMs = 10_000;

async function startControllers(kubeconfig: string): Promise<ChildProcess> {
  const folder = dirname(kubeconfig);
  const [port] = await freePorts(1);
  const flags = [
    `--kubeconfig=${kubeconfig}`,
    `--service-account-private-key-file=${join(folder, 'tokens.key')}`,
    `--root-ca-file=${join(folder, 'pki/ca.crt')}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--leader-elect=false',
    '--kube-api-qps=1000',
    '--kube-api-burst=2000',
    '--node-monitor-grace-period=900s',
  ];
  return spawn(join(bin!, 'kube-controller-manager'), flags, { stdio: 'ignore' });
}

async function act(side: Side, step: Step): Promise<number> {
  if (step.do === 'pods') {
    side.policy = step.policy;
    return 0;
  }
  if (step.do === 'create') {
    const { code, body } = await side.ask('POST', side.pathOf(step.object.kind), step.object);
    if (code >= 300 && values.verbose) console.log(body.message);
    return code;
  }
  const path = side.pathOf(step.kind, step.name);
  if (step.do === 'patch') {
    const isStrategic = 'application/strategic-merge-patch+json';
    for (let tries = 0; ; tries++) {
      const { code } = await side.ask('PATCH', path, step.patch, isStrategic);
      if (code !== 409 || tries === 5) return code;
    }
  }
  const options = step.propagation ? { propagationPolicy: step.propagation } : {};
  return (await side.ask('DELETE', path, options)).code;
}

/** The first step after which the two differ, and how. */
async function play(story: Story, sides: readonly [Side, Side]): Promise<string[]> {
  for (const side of sides) {
    await side.ask('POST', '/api/v1/namespaces', { metadata: { name: side.namespace } });
    const account = `/api/v1/namespaces/${side.namespace}/serviceaccounts/default`;
    while ((await side.ask('GET', account)).code !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (const [index, step] of story.steps.entries()) {
    const codes = await Promise.all(sides.map((side) => act(side, step)));
    await Promise.all(sides.map((side) => side.settle()));
    const compare = async () => {
      const [theirs, ours] = await Promise.all(
        sides.map(async (side) => snapshot(await side.everything(), side.namespace)),
      );
      return differences(theirs!, ours!);
    };
    let found = await compare();
    // Something may wait for its time: a second, longer look.
    for (let look = 0; found.length > 0 && look < 3; look++) {
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      await Promise.all(sides.map((side) => side.settle()));
      found = await compare();
    }
    if (codes[0] !== codes[1]) found.push(`code: upstream ${codes[0]}, ours ${codes[1]}`);
    if (found.length > 0) return [`step ${index}: ${JSON.stringify(step).slice(0, 900)}`, ...found];
  }
  return [];
}

await using upstream = await UpstreamApiServer.start(bin);
const controllers = await startControllers(upstream.kubeconfig);
await using cluster = await TestCluster.create({ simulatedNodes: 0, flags: ['--only', 'apiserver,controllers'] });
const options = { headers: { accept: 'application/json', 'user-agent': 'differential' }, timeoutMs: 60_000 };
using theirs = new WireClient({ ...options, kubeconfig: upstream.kubeconfig });
using ours = new WireClient({ ...options, kubeconfig: cluster.kubeconfig });
const beating = setInterval(() => void Promise.all([beat(theirs), beat(ours)]).catch(() => {}), beatMs);
try {
  await Promise.all([makeNodes(theirs), makeNodes(ours)]);
  const chosen = subjects.filter((subject) => new RegExp(values.subject).test(subject));
  const all = Array.from({ length: Number(values.count) }, (_, index) => index);
  const numbers = values.only === undefined ? all : [Number(values.only)];
  let differing = 0;
  await inLanes(numbers, Number(values.jobs), async (number) => {
    // The same number with the same subjects is the same story.
    const subject = chosen[number % chosen.length]!;
    const story = tell(subject, seededRandom(Number(values.seed) * 1009 + number), `${values.seed}/${number}`);
    const namespace = `d${values.seed}-${number}`;
    const found = await play(story, [new Side(theirs, namespace), new Side(ours, namespace)]);
    if (found.length === 0) {
      if (values.verbose) console.log(`same: ${story.title}`);
      return;
    }
    differing++;
    console.log(`\n${story.title}`);
    if (values.verbose) for (const step of story.steps) console.log(`    ${JSON.stringify(step)}`);
    for (const line of found) console.log(`  ${line.slice(0, values.verbose ? 3000 : 700)}`);
  });
  console.log(`\nseed ${values.seed}: ${numbers.length} stories, ${differing} differ`);
  process.exitCode = differing > 0 ? 1 : 0;
} finally {
  clearInterval(beating);
  if (controllers.exitCode === null) {
    const ended = once(controllers, 'exit');
    controllers.kill('SIGKILL');
    await ended;
  }
}
