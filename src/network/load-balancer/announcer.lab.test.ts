// Load balancers on a real kernel: a machine of the same wire asks for an address that only the Service has.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { Node, Service } from '../../../generated/core-v1.ts';
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
  response.end('asked by ' + request.socket.remoteAddress); }).listen(8080, '0.0.0.0', ready);`;

if (!isInsideLab()) {
  test('load balancers on a kernel', { skip: labSkipReason() }, () => {
    const { code, output } = runInsideLab(import.meta.filename);
    assert.equal(code, 0, output);
  });
} else {
  test('a machine of the same wire reaches a load balancer, until another node answers for it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'balancer-lab-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(folder, { recursive: true }));
    await runCommand('ip', ['link', 'set', 'lo', 'up']);
    const network = {
      clusterName: 'lb',
      podCidr: '10.221.0.0/24',
      serviceCidr: '10.222.0.0/16',
      cniConfDir: join(folder, 'net.d'),
      ipamDir: join(folder, 'ipam'),
      recordDir: join(folder, 'record'),
    };
    const { bridge, bridgeMac } = await ensureHostNetwork(network);
    stack.defer(() => removeHostNetwork(network));
    const informers = new FakeInformerFactory();
    const common = { nodeName: 'node-1', informers, clock: systemClock, log: silentLogger };
    const { podCidr, serviceCidr } = network;
    const proxy = createServiceProxy({
      ...common,
      table: 'coracle-lb',
      bridge,
      bridgeMac,
      podCidr,
      clusterPodCidr: podCidr,
      serviceCidr,
    });
    const announcer = createAnnouncer({ ...common, bridge });
    const stop = new AbortController();
    const running = Promise.all([proxy.run(stop.signal), announcer.run(stop.signal)]);
    stack.defer(async () => {
      stop.abort();
      await running;
      await removeTable('coracle-lb');
    });
    const pod = stack.use(await startPod({ conflist: join(folder, 'net.d/10-coracle-lb.conflist'), program: web }));
    const lan = join(folder, 'lan.conflist');
    const ipam = { type: 'host-local', dataDir: join(folder, 'lan'), ranges: [[{ subnet: '192.0.2.0/24' }]] };
    const plugin = { type: 'bridge', bridge: 'lan', isGateway: true, ipam };
    await writeFile(lan, JSON.stringify({ cniVersion: '1.0.0', name: 'lan', plugins: [plugin] }));
    const machine = stack.use(await startPod({ conflist: lan, program: 'setInterval(() => {}, 1e6); ready();' }));

    const own = createServer((socket) => socket.on('error', () => {}).end('the node’s own')).listen(2222, '0.0.0.0');
    stack.defer(() => void own.close());
    const ask = (port: number) =>
      machine.run('curl', '-sS', '--max-time', '2', `http://192.0.2.100:${port}/`).catch((error) => String(error));

    const nodes = informers.informer(nodeKind);
    const node = (name: string, status: 'True' | 'False') =>
      nodes.put({ metadata: { name }, status: { conditions: [{ type: 'Ready', status }] } } as unknown as Node);
    node('node-1', 'True');
    const ip = '10.222.0.7';
    const service = aService(
      'default/web',
      { type: 'LoadBalancer', clusterIP: ip, clusterIPs: [ip], externalTrafficPolicy: 'Local' },
      { loadBalancer: { ingress: [{ ip: '192.0.2.100', ipMode: 'VIP' }] } },
    );
    informers.informer(endpointSliceKind).put(aSlice('default/web', { endpoints: [pod.address] }));
    const annotated = {
      ...service,
      metadata: { ...service.metadata, annotations: { [announcedAddress]: '192.0.2.100' } },
    };
    informers.informer(serviceKind).put(annotated as Service);
    await eventually(async () => assert.equal(await ask(80), `asked by ${machine.address}`));
    assert.match(await ask(2222), /refused|Failed to connect/, 'the node’s own ports are not on the address');

    node('node-1', 'False');
    await eventually(async () => assert.doesNotMatch(await addresses(bridge), /192\.0\.2\.100/));
    node('node-1', 'True');
    await eventually(async () => assert.equal(await ask(80), `asked by ${machine.address}`));
    informers.informer(serviceKind).remove('default/web');
    await eventually(async () => assert.doesNotMatch(await addresses(bridge), /192\.0\.2\.100/));
  });
}

const addresses = (device: string) => runCommand('ip', ['address', 'show', 'dev', device]);
