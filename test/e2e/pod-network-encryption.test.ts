// Two real nodes on this machine with WireGuard between them: what pods send each other, what is on the wire meanwhile, and
// what is left when a node, or the cluster, goes.
import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { nodeLinkName, nodeNamespaceName, wireGuardName } from '../../src/network/overlay/names.ts';
import { patience, root, run, TestCluster, whyNoContainers } from './cluster.ts';

// Debian's programs, unpacked by scripts/setup.sh, where the machine has none. Whoever looks for them reads PATH when it is loaded.
process.env['PATH'] += `:${join(root, 'build/tools')}`;
const { whatWireGuardLacks } = await import('../../src/network/overlay/wireguard-support.ts');

const lack = whyNoContainers() ? undefined : await whatWireGuardLacks();
const skip = whyNoContainers() ?? (lack && `${lack.what}: ${lack.remedy}`) ?? false;

const largeBytes = 3_000_000;

/** A web server on one node, a shell on the other. */
const workloads = (one: string, other: string) => `
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  nodeName: ${other}
  terminationGracePeriodSeconds: 0
  containers:
  - name: web
    image: nginx:1.22
    readinessProbe: {httpGet: {port: 80}, periodSeconds: 1}
    lifecycle: {postStart: {exec: {command: [sh, -c, 'd=/usr/share/nginx/html; mkdir -p $d; head -c ${largeBytes} /dev/zero > $d/large; cd /etc/nginx/conf.d; sed "s/listen .*/listen [::]:80;/" default.conf > six.conf; nginx -s reload']}}}
---
apiVersion: v1
kind: Pod
metadata: {name: box}
spec:
  nodeName: ${one}
  terminationGracePeriodSeconds: 0
  containers: [{name: box, image: 'busybox:1.36', command: [sleep, 1d]}]
`;

async function programBehind(device: string): Promise<number | undefined> {
  for (const pid of (await readdir('/proc')).map(Number).filter((each) => each > 0)) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (words[0]!.endsWith('wireguard-go') && words[1] === device) return pid;
  }
  return undefined;
}

describe('a cluster whose pod network is encrypted', { skip }, () => {
  let cluster: TestCluster;
  let machine: string;
  let other: string;
  const table = `wire${process.pid}`;
  const must = async (program: string, ...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(program, args);
    assert.equal(code, 0, `${program} ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const keyOf = async (node: string): Promise<string> =>
    (await cluster.json(`get node ${node}`)).metadata.annotations['coracle.dev/wireguard-public-key'];
  /** The kernel shows a device only to who is in its namespace. */
  const peersOf = async (node: string) => {
    const enter = node === machine ? [] : ['nsenter', `--net=/run/netns/${nodeNamespaceName(cluster.name, node)}`];
    const [program, ...args] = [...enter, 'wg', 'show', wireGuardName(cluster.name, node), 'peers'];
    return (await must(program!, ...args)).split('\n').filter(Boolean);
  };
  const podAddresses = async (): Promise<string[]> =>
    (await cluster.json('get pod web')).status.podIPs.map(({ ip }: any) => (ip.includes(':') ? `[${ip}]` : ip));
  /** How many bytes the pod on one node gets from the one on the other, by each family. */
  const fetched = async (): Promise<number[]> => {
    const script = (await podAddresses())
      .map((ip) => `timeout ${5 * patience} wget -q -O- http://${ip}/large | wc -c`)
      .join('; ');
    return (await cluster.kubectl(`exec box -- sh -c '${script}'`)).trim().split('\n').map(Number);
  };
  const bytesOnWire = async (comment: 'plain' | 'sealed'): Promise<number> => {
    const { nftables } = JSON.parse(await must('nft', '-j', 'list', 'table', 'bridge', table));
    return nftables
      .filter(({ rule }: any) => rule?.comment === comment)
      .reduce((sum: number, { rule }: any) => sum + rule.expr.find((each: any) => each.counter).counter.bytes, 0);
  };
  const both = [largeBytes, largeBytes];

  before(async () => {
    const own = 180 + (process.pid % 20) * 2;
    const ranges = [`10.${own}.0.0/16,fd00:10:${own}::/56`, `10.${own + 1}.0.0/16,fd00:10:${own + 1}::/108`];
    const flags = ['--nodes', '2', '--pod-cidr', ranges[0]!, '--service-cidr', ranges[1]!];
    cluster = await TestCluster.create({ flags: [...flags, '--pod-network-encryption', 'wireguard'] });
    await cluster.loadImages('pause', 'busybox', 'nginx');
    const { items } = await cluster.json('get nodes');
    machine = items.find((node: any) => !node.metadata.labels['coracle.dev/machine']).metadata.name;
    other = `${machine}-2`;
    await cluster.kubectl(`apply -f ${await cluster.file('workloads.yaml', workloads(machine, other))}`);
    await cluster.kubectl('wait --for=condition=Ready pod --all --timeout=180s');
  });
  after(async () => {
    await run('nft', ['delete', 'table', 'bridge', table]);
    await cluster?.[Symbol.asyncDispose]();
  });

  test('pods of different nodes reach each other, and nothing of it is on the wire but WireGuard', async () => {
    const { podCIDRs } = (await cluster.json(`get node ${other}`)).spec;
    const cable = nodeLinkName(cluster.name, other);
    const [four, six] = podCIDRs as [string, string];
    // What comes from the other node: its pods' packets as they are, and WireGuard's messages with data (type 4).
    const rules = [
      `add table bridge ${table}`,
      `add chain bridge ${table} wire { type filter hook prerouting priority -400; }`,
      `add rule bridge ${table} wire iifname ${cable} ip saddr ${four} counter comment "plain"`,
      `add rule bridge ${table} wire iifname ${cable} ip6 saddr ${six} counter comment "plain"`,
      `add rule bridge ${table} wire iifname ${cable} ip protocol udp @th,64,32 0x04000000 counter comment "sealed"`,
    ];
    for (const rule of rules) await must('nft', rule);
    await cluster.eventually('both know each other', async () => (await fetched()).join() === both.join());
    assert.equal(await bytesOnWire('plain'), 0);
    const sealed = await bytesOnWire('sealed');
    assert.ok(sealed > 2 * largeBytes, `${sealed} bytes`);
  });

  test('a node’s key is its own, kept in a file that others cannot read, and its public half is told', async () => {
    const file = join(cluster.dataDir, 'node/wireguard.key');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const key = (await readFile(file, 'utf8')).trim();
    const told = await keyOf(machine);
    assert.equal((await must('wg', 'show', wireGuardName(cluster.name, machine), 'public-key')).trim(), told);
    assert.notEqual(await keyOf(other), told);
    for (const name of await readdir(join(cluster.dataDir, 'logs')))
      assert.equal((await readFile(join(cluster.dataDir, 'logs', name), 'utf8')).includes(key), false, name);
    // Another one, once the file is gone: here as soon as what was told is missing, else within half a minute.
    await rm(file);
    await cluster.kubectl(`annotate node ${machine} coracle.dev/wireguard-public-key-`);
    await cluster.eventually('a new key is told', async () => ![told, undefined].includes(await keyOf(machine)));
    const next = await keyOf(machine);
    await cluster.eventually('it is the only one', async () => (await peersOf(other)).join() === next);
    await cluster.eventually('pods meet again', async () => (await fetched()).join() === both.join());
  });

  test('an address of pods that no node tells of a key for leads nowhere', async () => {
    const { podCIDR } = (await cluster.json(`get node ${other}`)).spec;
    const nobody = podCIDR.replace(/\d+\.0\/24$/, '250.7');
    const { code, stderr } = await run('ip', ['route', 'get', nobody]);
    assert.deepEqual([code === 0, /unreachable|No route to host/i.test(stderr)], [false, true]);
  });

  test('what comes to a node as it is, as if from a pod of another, does not reach its pods', async () => {
    const [{ podIP }, [range]] = [
      (await cluster.json('get pod box')).status,
      (await cluster.json(`get node ${other}`)).spec.podCIDRs,
    ];
    const space = nodeNamespaceName(cluster.name, other);
    const { address } = (await cluster.json(`get node ${machine}`)).status.addresses[0];
    const source = range.replace(/0\/24$/, '1');
    // Nobody listens there: who arrives is refused at once.
    const reaches = async (): Promise<boolean> => {
      const curl = ['curl', '-s', '-m', String(2 * patience), '--interface', source, `http://${podIP}:9/`];
      const { code } = await run('nsenter', [`--net=/run/netns/${space}`, ...curl]);
      return code === 7;
    };
    await cluster.eventually('through WireGuard it does', reaches);
    await must('ip', '-n', space, 'route', 'add', `${podIP}/32`, 'via', address, 'dev', 'eth0');
    assert.equal(await reaches(), false);
    assert.ok((await bytesOnWire('plain')) > 0, 'it was on the wire');
    await must('ip', '-n', space, 'route', 'delete', `${podIP}/32`);
    await cluster.eventually('and it does again', reaches);
  });

  test('the program behind the device is started again', async (context) => {
    const device = wireGuardName(cluster.name, machine);
    const pid = await programBehind(device);
    if (pid === undefined) return context.skip('the kernel has WireGuard of its own');
    process.kill(pid, 'SIGKILL');
    await cluster.eventually('pods meet again', async () => (await fetched()).join() === both.join());
  });

  test('a node that goes leaves no peer behind, and a cluster that is taken down no device', async () => {
    assert.deepEqual(await peersOf(machine), [await keyOf(other)]);
    const { spec: machineSpec } = await cluster.json(`get node ${machine}`);
    assert.equal((await cluster.coracle(['node', 'delete', other])).code, 0);
    await cluster.eventually('its peer is gone', async () => (await peersOf(machine)).length === 0);
    const devices = [machine, other].map((node) => wireGuardName(cluster.name, node));
    const left = async () => [
      ...(await readdir('/var/run/wireguard').catch(() => [])).filter((name) =>
        devices.some((device) => name.startsWith(device)),
      ),
      ...(await must('ip', '-o', 'link')).split('\n').filter((line) => devices.some((device) => line.includes(device))),
    ];
    assert.equal((await left()).join('\n').includes(devices[1]!), false);
    assert.equal((await cluster.coracle(['down'])).code, 0);
    assert.deepEqual(await left(), []);
    const { podCIDR } = machineSpec;
    assert.equal((await must('ip', 'route', 'show', 'root', podCIDR.replace(/\d+\.0\/24$/, '0.0/16'))).trim(), '');
  });

  test('whether a pod network is encrypted is decided when its cluster is made', async () => {
    const plain = ['up', '--kubeconfig', cluster.kubeconfig, '--pod-network-encryption', 'none'];
    assert.match((await cluster.coracle(plain)).stderr, /E_OTHER_SETTINGS/);
  });
});
