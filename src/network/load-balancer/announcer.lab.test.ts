// Load balancers on a real kernel: a machine of the same wire asks for addresses that only the Service has.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { Node, Service, ServiceSpec } from '../../../generated/core-v1.ts';
import { endpointSliceKind, nodeKind, serviceKind } from '../../../generated/kinds.ts';
import { announcedAddress } from '../../api/core/announced-addresses.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { ensureHostNetwork, removeHostNetwork } from '../cni/host-network.ts';
import { removeTable } from '../nftables/nft.ts';
import { createServiceProxy } from '../proxy/service-proxy.ts';
import { runCommand } from '../run-command.ts';
import { FakeInformerFactory } from '../testing/fake-informers.ts';
import { eventually, isInsideLab, labSkipReason, runInsideLab, startPod } from '../testing/lab.ts';
import { aService, aSlice } from '../testing/objects.ts';
import { createAnnouncer } from './announcer.ts';

const web = `require('node:http').createServer((request, response) => {
  response.end('asked by ' + request.socket.remoteAddress.replace('::ffff:', '')); }).listen(8080, '::', ready);`;

const families = [
  { family: 'IPv4', given: '192.0.2.100', asked: '192.0.2.100', clusterIP: '10.222.0.7' },
  { family: 'IPv6', given: '2001:db8:7::100', asked: '[2001:db8:7::100]', clusterIP: 'fd00:10:222::7' },
] as const;

if (!isInsideLab()) {
  test('load balancers on a kernel', { skip: labSkipReason() }, () => {
    const { code, output } = runInsideLab(import.meta.filename);
    assert.equal(code, 0, output);
  });
} else {
  for (const each of families)
    test(`a machine of the same wire reaches a load balancer of ${each.family}, until another node answers for it`, () =>
      tryFamily(each));
}

async function tryFamily({ family, given, asked, clusterIP }: (typeof families)[number]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'balancer-lab-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true }));
  await runCommand('ip', ['link', 'set', 'lo', 'up']);
  const network = {
    clusterName: 'lb',
    podCidr: '10.221.0.0/24,fd00:10:221::/64',
    serviceCidr: '10.222.0.0/16,fd00:10:222::/112',
    cniConfDir: join(folder, 'net.d'),
    ipamDir: join(folder, 'ipam'),
    recordDir: join(folder, 'record'),
  };
  const { podCidr, serviceCidr } = network;
  const { bridge, bridgeMac } = await ensureHostNetwork(network);
  const informers = new FakeInformerFactory();
  const common = { nodeName: 'node-1', informers, clock: systemClock, log: silentLogger };
  const table = { table: 'coracle-lb', bridge, bridgeMac, podCidr, clusterPodCidr: podCidr, serviceCidr };
  const proxy = createServiceProxy({ ...common, ...table });
  const announcer = createAnnouncer({ ...common, bridge });
  const stop = new AbortController();
  const running = Promise.all([proxy.run(stop.signal), announcer.run(stop.signal)]);
  const end = async () => {
    stop.abort();
    await running;
    await removeTable('coracle-lb');
    await removeHostNetwork(network);
  };
  stack.defer(end);
  const pod = stack.use(await startPod({ conflist: join(folder, 'net.d/10-coracle-lb.conflist'), program: web }));
  const endpoint = await pod.addressOf(family);
  const lan = join(folder, 'lan.conflist');
  const ranges = [[{ subnet: '192.0.2.0/24' }], [{ subnet: '2001:db8:7::/64' }]];
  const ipam = { type: 'host-local', dataDir: join(folder, 'lan'), ranges };
  const plugin = { type: 'bridge', bridge: 'lan', isGateway: true, ipam };
  await writeFile(lan, JSON.stringify({ cniVersion: '1.0.0', name: 'lan', plugins: [plugin] }));
  const aMachine = async () =>
    stack.use(await startPod({ conflist: lan, program: 'setInterval(() => {}, 1e6); ready();' }));
  const [machine, other] = [await aMachine(), await aMachine()];
  const own = createServer((socket) => socket.on('error', () => {}).end('the node’s own')).listen(2222, '::');
  stack.defer(() => void own.close());
  const askFrom = (who: typeof machine, port: number) =>
    who.run('curl', '-sS', '--max-time', '2', `http://${asked}:${port}/`).catch((error) => String(error));
  const source = await machine.addressOf(family);
  const isReached = () => eventually(async () => assert.equal(await askFrom(machine, 80), `asked by ${source}`));
  const bound = () => runCommand('ip', ['address', 'show']);
  const isNotBound = (on = bound) =>
    eventually(async () => assert.doesNotMatch(await on(), new RegExp(` ${given.replaceAll('.', '\\.')}/`)));

  const nodes = informers.informer(nodeKind);
  const node = (name: string, status: 'True' | 'False') =>
    nodes.put({ metadata: { name }, status: { conditions: [{ type: 'Ready', status }] } } as unknown as Node);
  node('node-1', 'True');
  const put = (spec: ServiceSpec) => {
    const ingress = [{ ip: given, ipMode: 'VIP' }];
    const service = aService(
      'default/web',
      { type: 'LoadBalancer', clusterIP, clusterIPs: [clusterIP], ipFamilies: [family], ...spec },
      { loadBalancer: { ingress } },
    );
    const annotations = { [announcedAddress]: given };
    informers.informer(serviceKind).put({ ...service, metadata: { ...service.metadata, annotations } } as Service);
  };
  const slice = aSlice('default/web', { endpoints: [endpoint] });
  informers.informer(endpointSliceKind).put({ ...slice, addressType: family });
  put({ externalTrafficPolicy: 'Local' });
  await isReached();
  assert.match(
    await askFrom(machine, 2222),
    /refused|Failed to connect/,
    'the node’s own ports are not on the address',
  );

  // By its range alone, then by none: who asks is another machine of the same wire.
  put({ externalTrafficPolicy: 'Local', loadBalancerSourceRanges: [`${source}/${family === 'IPv4' ? 32 : 128}`] });
  await eventually(async () => assert.match(await askFrom(other, 80), /timed out/));
  await isReached();
  put({ externalTrafficPolicy: 'Local', loadBalancerSourceRanges: ['0.0.0.0/0', '::/0'] });
  await eventually(async () => assert.match(await askFrom(other, 80), /^asked by /));

  // Another has the address for a while, and who asks knows that one for it.
  informers.informer(serviceKind).remove('default/web');
  await isNotBound();
  const length = family === 'IPv4' ? 32 : 128;
  await other.run('ip', 'address', 'add', `${given}/${length}`, 'dev', 'eth0', ...(length === 128 ? ['nodad'] : []));
  const known = async () => /lladdr (\S+)/.exec(await machine.run('ip', 'neigh', 'show', 'to', given))?.[1];
  const macOf = async (who: typeof machine | undefined, device: string) => {
    const shown = await (who
      ? who.run('ip', '-j', 'link', 'show', device)
      : runCommand('ip', ['-j', 'link', 'show', device]));
    return (JSON.parse(shown) as [{ address: string }])[0].address;
  };
  await machine.run('ip', 'neigh', 'flush', 'to', given);
  const theirs = await macOf(other, 'eth0');
  await eventually(async () => {
    await askFrom(machine, 80);
    assert.equal(await known(), theirs);
  });
  await other.run('ip', 'address', 'delete', `${given}/${length}`, 'dev', 'eth0');
  put({});
  // It is told, and asks nobody meanwhile.
  const ours = await macOf(undefined, 'lan');
  await eventually(async () => assert.equal(await known(), ours));
  await isReached();

  node('node-1', 'False');
  // Of IPv6 every node keeps the address to itself, and none but one tells its neighbours.
  await isNotBound(() => runCommand('ip', ['address', 'show', 'dev', family === 'IPv4' ? bridge : 'lan']));
  node('node-1', 'True');
  await isReached();
  informers.informer(serviceKind).remove('default/web');
  await isNotBound();
  put({});
  await isReached();
  await end();
  await isNotBound();
  await runCommand('ip', ['link', 'delete', 'lan']);
}
