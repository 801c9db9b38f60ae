// Two API servers on one etcd, reached from elsewhere by an address they were told; a machine that joined goes on when the
// one it came in by is killed.
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EtcdServer, findEtcds } from '../../src/store/testdata/etcd-server.ts';
import { kubectlProgram, type Output, root, run, whyNoContainers } from './cluster.ts';

const [etcdProgram] = findEtcds();
const skip = whyNoContainers() ?? (etcdProgram ? false : 'no etcd on this machine');
const program = join(root, 'bin/coracle');
const patienceMs = 180_000;

async function eventually<T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function good({ code, stdout, stderr }: Output): string {
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}

test('a node that joined goes on when one of its two API servers is killed', { skip }, async () => {
  const number = process.pid % 10_000;
  const folder = await mkdtemp(join(tmpdir(), 'coracle-e2e-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true }));
  const etcd = cleanup.use(await EtcdServer.start(etcdProgram!));

  const [space, device] = [`coracle-sv-${number}`, `corsv${number}`];
  const [near, far] = ['198.51.101.1', '198.51.101.2'];
  cleanup.defer(async () => void (await run('ip', ['netns', 'delete', space])));
  for (const line of [
    `netns add ${space}`,
    `link add ${device} type veth peer name eth0 netns ${space}`,
    `address add ${near}/24 dev ${device}`,
    `link set ${device} up`,
    `-n ${space} address add ${far}/24 dev eth0`,
    `-n ${space} link set eth0 up`,
    `-n ${space} link set lo up`,
  ])
    good(await run('ip', line.split(' ')));

  const own = (name: string) => ['--name', name, '--data-dir', join(folder, name)];
  const coracle = (name: string, ...args: string[]) => run(program, [...args, ...own(name)]);
  const there = (...args: string[]) =>
    run('nsenter', [`--net=/run/netns/${space}`, program, ...args, ...own(`v${number}-far`)]);
  const kubectl = (name: string, ...args: string[]) =>
    run(kubectlProgram(), ['--kubeconfig', join(folder, `${name}.kubeconfig`), ...args]);

  const [one, two] = [`v${number}-1`, `v${number}-2`] as const;
  const components = { [one]: 'apiserver,controllers,scheduler', [two]: 'apiserver' };
  for (const name of [one, two]) {
    if (name === two) await cp(join(folder, one, 'pki'), join(folder, two, 'pki'), { recursive: true });
    cleanup.defer(async () => void (await coracle(name, 'delete', '--yes')));
    const where = ['--etcd-servers', etcd.url, '--advertise-address', near];
    const files = ['--kubeconfig', join(folder, `${name}.kubeconfig`)];
    good(await coracle(name, 'up', '--detach', '--only', components[name]!, ...where, ...files));
  }
  const status = JSON.parse(good(await coracle(one, 'status', '-o', 'json')));
  const first = status.components.find((each: any) => each.name === 'apiserver');
  assert.match(first.address, new RegExp(`^https://${near}:`));

  const second = JSON.parse(good(await coracle(two, 'status', '-o', 'json'))).components.find(
    (each: any) => each.name === 'apiserver',
  );
  const command = good(await coracle(one, 'token', 'create', '--print-join-command'))
    .trim()
    .split(' ')
    .slice(1);
  cleanup.defer(async () => void (await there('reset', '--yes')));
  good(await there(...command, new URL(second.address).host, '--node-name', 'far', '--detach'));
  for (const image of ['pause', 'busybox'])
    good(await there('image', 'import', join(root, `build/images/${image}.tar`)));
  // Made by the controllers, which go with the first.
  for (const what of ['serviceaccount/default', 'configmap/kube-root-ca.crt'])
    await eventually(`there is ${what}`, async () => (await kubectl(two, 'get', what)).code === 0);

  process.kill(first.pid, 'SIGKILL');
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'late' },
    spec: {
      nodeName: 'far',
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'c', image: 'busybox:1.36', command: ['sleep', '1d'] }],
    },
  };
  good(
    await run(kubectlProgram(), ['--kubeconfig', join(folder, `${two}.kubeconfig`), 'create', '-f', '-'], {
      input: JSON.stringify(pod),
    }),
  );
  const runs = async () => {
    const { stdout } = await kubectl(two, 'get', 'pod', 'late', '-o', 'jsonpath={.status.phase}');
    return stdout === 'Running';
  };
  await eventually('a pod runs there', runs).catch(async (error: Error) => {
    const { stdout } = await kubectl(two, 'describe', 'node/far', 'pod/late');
    throw new Error(`${error.message}\n${stdout}${(await there('logs')).stdout.slice(-8000)}`);
  });
  assert.equal(good(await kubectl(two, 'exec', 'late', '--', 'echo', 'here')), 'here\n');
});
