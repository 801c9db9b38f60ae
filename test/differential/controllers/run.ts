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
import { MetricsStandIn } from './metrics.ts';
import { play } from './play.ts';
import { beat, makeNodes, Side } from './side.ts';
import { type Story, subjects, tell } from './stories.ts';
import { kindsOf, toldStories } from './told/index.ts';

const { values } = parseArgs({
  options: {
    subject: { type: 'string', default: '' },
    count: { type: 'string', default: '40' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    jobs: { type: 'string', default: '4' },
    only: { type: 'string' },
    /** Those written by hand whose title this matches, in place of made-up ones. */
    told: { type: 'string' },
    scheduler: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

const bin = process.env['UPSTREAM_BIN'];
if (!bin) throw new Error('UPSTREAM_BIN: a folder with etcd, kube-apiserver and kube-controller-manager');
const beatMs = 10_000;
const mostLines = 14;

async function startScheduler(kubeconfig: string): Promise<ChildProcess> {
  const [port] = await freePorts(1);
  const flags = [
    `--kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--leader-elect=false',
  ];
  return spawn(join(bin!, 'kube-scheduler'), flags, { stdio: 'ignore' });
}

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
    `--cluster-signing-cert-file=${join(folder, 'pki/ca.crt')}`,
    `--cluster-signing-key-file=${join(folder, 'pki/ca.key')}`,
    '--allocate-node-cidrs',
    '--cluster-cidr=10.244.0.0/16',
    '--controllers=*,bootstrap-signer-controller,token-cleaner-controller',
  ];
  return spawn(join(bin!, 'kube-controller-manager'), flags, { stdio: 'ignore' });
}

await using upstream = await UpstreamApiServer.start(bin);
const programs = [await startControllers(upstream.kubeconfig)];
if (values.scheduler) programs.push(await startScheduler(upstream.kubeconfig));
const components = `apiserver,controllers${values.scheduler ? ',scheduler' : ''}`;
await using cluster = await TestCluster.create({
  simulatedNodes: 0,
  flags: ['--only', components, '--node-monitor-grace-period', '900s'],
});
const options = { headers: { accept: 'application/json', 'user-agent': 'differential' }, timeoutMs: 60_000 };
using theirs = new WireClient({ ...options, kubeconfig: upstream.kubeconfig });
using ours = new WireClient({ ...options, kubeconfig: cluster.kubeconfig });
// A scheduler's messages count nodes: its stories bring their own, one story after another.
const clients = values.scheduler ? [] : [theirs, ours];
const beating = setInterval(() => void Promise.all(clients.map(beat)).catch(() => {}), beatMs);

function chosenStories(): Story[] {
  if (values.told !== undefined) {
    const matching = new RegExp(values.told);
    return toldStories(values.scheduler).filter(({ title }) => matching.test(title));
  }
  const chosen = subjects.filter((subject) => new RegExp(values.subject).test(subject));
  const all = Array.from({ length: Number(values.count) }, (_, index) => index);
  const numbers = values.only === undefined ? all : [Number(values.only)];
  // The same number with the same subjects is the same story.
  return numbers.map((number) =>
    tell(
      chosen[number % chosen.length]!,
      seededRandom(Number(values.seed) * 1009 + number),
      `${values.seed}/${number}`,
    ),
  );
}

async function tellBoth(story: Story, number: number): Promise<boolean> {
  const namespace = `d${values.seed}-${number}`;
  const sides = [theirs, ours].map((client) => new Side(client, namespace, kindsOf(story))) as [Side, Side];
  for (const [index, side] of sides.entries()) {
    side.binds = !values.scheduler;
    side.metrics = standIns[index];
  }
  const found = await play(story, sides).finally(
    () => values.scheduler && Promise.all(sides.map((side) => side.clear())),
  );
  if (found.length === 0) {
    if (values.verbose) console.log(`same: ${story.title}`);
    return true;
  }
  console.log(`\n${story.title}`);
  if (values.verbose) for (const step of story.steps) console.log(`    ${JSON.stringify(step)}`);
  for (const line of found.slice(0, mostLines)) console.log(`  ${line.slice(0, values.verbose ? 3000 : 600)}`);
  return false;
}

await using measuring = new AsyncDisposableStack();
const standIns: MetricsStandIn[] = [];
try {
  await Promise.all(clients.map(makeNodes));
  const stories = chosenStories();
  if (stories.some(({ steps }) => steps.some((step) => step.do === 'measure')))
    for (const client of [theirs, ours]) standIns.push(measuring.use(await MetricsStandIn.start(client)));
  let differing = 0;
  const lanes = values.scheduler ? 1 : Number(values.jobs);
  await inLanes([...stories.entries()], lanes, async ([number, story]) => {
    if (!(await tellBoth(story, number))) differing++;
  });
  console.log(`\nseed ${values.seed}: ${stories.length} stories, ${differing} differ`);
  process.exitCode = differing > 0 ? 1 : 0;
} finally {
  clearInterval(beating);
  for (const program of programs) {
    if (program.exitCode !== null) continue;
    const ended = once(program, 'exit');
    program.kill('SIGKILL');
    await ended;
  }
}
