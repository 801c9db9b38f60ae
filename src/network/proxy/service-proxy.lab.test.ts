// The proxy on a real kernel: real bridge and CNI plugins, pods in network namespaces.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { Node, ServiceSpec } from '../../../generated/core-v1.ts';
import type { Endpoint } from '../../../generated/discovery-v1.ts';
import { endpointSliceKind, nodeKind, podKind, serviceKind } from '../../../generated/kinds.ts';
import { announcedAddress } from '../../api/core/announced-addresses.ts';
import { systemClock } from '../../base/clock.ts';
import { createLogger } from '../../base/log.ts';
import { ensureHostNetwork, type HostNetwork, removeHostNetwork } from '../cni/host-network.ts';
import { removeTable } from '../nftables/nft.ts';
import { runCommand } from '../run-command.ts';
import { FakeInformerFactory } from '../testing/fake-informers.ts';
import { eventually, isInsideLab, type LabPod, labSkipReason, runInsideLab, startPod } from '../testing/lab.ts';
import { aPod, aService, aSlice } from '../testing/objects.ts';
import { tableName } from './base-rules.ts';
import { createServiceProxy } from './service-proxy.ts';

const zoneLabel = 'topology.kubernetes.io/zone';

if (!isInsideLab()) {
  test('the service proxy on a kernel', { skip: labSkipReason() }, () => {
    const { code, output } = runInsideLab(import.meta.filename);
    assert.equal(code, 0, output);
  });
} else {
  runLab();
}

function runLab(): void {
  const cluster = 'lab';
  let folder: string;
  let network: HostNetwork;
  const informers = new FakeInformerFactory();
  const services = informers.informer(serviceKind);
  const slices = informers.informer(endpointSliceKind);
  const pods = informers.informer(podKind);
  const nodes = informers.informer(nodeKind);
  const labPods: LabPod[] = [];
  let stop = new AbortController();
  let running: Promise<void> = Promise.resolve();
  const hostNetworkOptions = () => ({
    clusterName: cluster,
    podCidr: '10.201.0.0/24',
    serviceCidr: '10.202.0.0/16',
    cniConfDir: join(folder, 'net.d'),
    ipamDir: join(folder, 'ipam'),
    recordDir: join(folder, 'record'),
  });

  async function startProxy(): Promise<void> {
    stop = new AbortController();
    const proxy = createServiceProxy({
      table: tableName(cluster),
      bridge: network.bridge,
      podCidr: '10.201.0.0/24',
      clusterPodCidr: '10.201.0.0/16',
      serviceCidr: '10.202.0.0/16',
      bridgeMac: network.bridgeMac,
      nodeName: 'node-1',
      informers,
      clock: systemClock,
      log: createLogger((line) => process.stderr.write(line), 'warn'),
      checkIntervalMs: 100,
    });
    running = proxy.run(stop.signal);
    await proxy.ready;
  }

  async function stopProxy(): Promise<void> {
    stop.abort();
    await running;
  }

  /** A pod that answers every request with its name and who asked. */
  async function aWebPod(name: string): Promise<LabPod> {
    const pod = await startPod({
      conflist: join(folder, `net.d/10-coracle-${cluster}.conflist`),
      program: `require('node:http').createServer((request, response) => {
        response.end('${name} ' + request.socket.remoteAddress.replace('::ffff:', '')); }).listen(8080, '0.0.0.0', ready);`,
    });
    labPods.push(pod);
    return pod;
  }

  let addressCount = 1;
  function serve(name: string, endpoints: readonly (string | Endpoint)[], spec: ServiceSpec = {}): string {
    const clusterIP = `10.202.0.${addressCount++}`;
    services.put(aService(`default/${name}`, { clusterIP, clusterIPs: [clusterIP], ...spec }));
    slices.put(aSlice(`default/${name}`, { endpoints }));
    return clusterIP;
  }

  function thisNode({ zone, address }: { zone?: string; address?: string }): void {
    const labels = zone ? { [zoneLabel]: zone } : {};
    const addresses = address ? [{ type: 'InternalIP', address }] : [];
    nodes.put({ metadata: { name: 'node-1', labels }, spec: {}, status: { addresses } } as Node);
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'network-lab-'));
    await runCommand('ip', ['link', 'set', 'lo', 'up']);
    await runCommand('ip', ['link', 'add', 'outside', 'type', 'veth', 'peer', 'name', 'outside-peer']);
    await runCommand('ip', ['address', 'add', '192.0.2.7/24', 'dev', 'outside']);
    await runCommand('ip', ['link', 'set', 'outside', 'up']);
    network = await ensureHostNetwork(hostNetworkOptions());
    await startProxy();
  });

  after(async () => {
    await stopProxy();
    for (const pod of labPods) await pod[Symbol.asyncDispose]();
    await removeTable(tableName(cluster));
    await removeHostNetwork(hostNetworkOptions());
    assert.doesNotMatch(await runCommand('nft', ['list', 'tables']), /coracle/);
    assert.doesNotMatch(await runCommand('ip', ['link']), /cor-/);
    await rm(folder, { recursive: true });
  });

  test('a service reaches its pods from another pod, from the node and from themselves', async () => {
    const [one, two] = [await aWebPod('one'), await aWebPod('two')];
    const ip = serve('web', [one.address, two.address]);
    const fromNode = new Set<string>();
    for (let i = 0; i < 20; i++) fromNode.add((await eventually(() => get(ip, 80))).split(' ')[0]!);
    assert.deepEqual([...fromNode].sort(), ['one', 'two']);
    const client = await aWebPod('client');
    const answer = await client.run('curl', '-sS', '--max-time', '3', `http://${ip}/`);
    assert.match(answer, new RegExp(`^(one|two) ${client.address}$`), 'the client keeps its address');
    for (let i = 0; i < 10; i++) await one.run('curl', '-sS', '--max-time', '3', `http://${ip}/`);
  });

  test('a node port answers on every address of the node, localhost too', async () => {
    const pod = await aWebPod('np');
    serve('np', [pod.address], { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080, protocol: 'TCP' }] });
    assert.match(await eventually(() => get('192.0.2.7', 30_080)), /^np /);
    assert.match(await get('127.0.0.1', 30_080), /^np /);
    assert.match(await get(network.gateway, 30_080), /^np /);
    assert.match(await pod.run('curl', '-sS', '--max-time', '3', 'http://192.0.2.7:30080/'), /^np /);
  });

  test('a service without endpoints refuses at once', async () => {
    const pod = await aWebPod('none');
    const ip = serve('none', [], { type: 'NodePort', ports: [{ port: 80, nodePort: 30_081, protocol: 'TCP' }] });
    await eventually(() => assert.rejects(get(ip, 80), /ECONNREFUSED/));
    await assert.rejects(get('127.0.0.1', 30_081), /ECONNREFUSED/);
    await assert.rejects(pod.run('curl', '-sS', '--max-time', '3', `http://${ip}/`), /curl: .7./);
    await assert.rejects(pod.run('curl', '-sS', '--max-time', '3', `http://${ip}:81/`), /curl: .7./);
    await assert.rejects(pod.run('curl', '-sS', '--max-time', '3', 'http://10.202.9.9/'), /curl: .7./);
  });

  test('session affinity sends a client to the pod it had first', async () => {
    const ready = [await aWebPod('s1'), await aWebPod('s2'), await aWebPod('s3')];
    const ip = serve(
      'sticky',
      ready.map(({ address }) => address),
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } },
    );
    const seen = new Set<string>();
    for (let i = 0; i < 20; i++) seen.add(await eventually(() => get(ip, 80)));
    assert.equal(seen.size, 1);
  });

  test('while endpoints come and go no request fails', async () => {
    const all = [];
    for (const name of ['r0', 'r1', 'r2', 'r3']) all.push(await aWebPod(name));
    const ip = serve('rolling', [all[0]!.address]);
    await eventually(() => get(ip, 80));
    let failures = 0;
    let requests = 0;
    const done = new AbortController();
    const client = (async () => {
      while (!done.signal.aborted) {
        requests++;
        await get(ip, 80, 30_000).catch(() => failures++);
      }
    })();
    for (let round = 0; round < 40 || requests < 100; round++) {
      const chosen = all.filter((_, index) => (round + index) % 3 !== 0).map(({ address }) => address);
      slices.put(aSlice('default/rolling', { endpoints: chosen }));
      await systemClock.sleep(10);
    }
    done.abort();
    await client;
    assert.equal(failures, 0);
  });

  test('a restart of the proxy breaks no connection and leaves no gap', async () => {
    const pod = await aWebPod('restart');
    const ip = serve('restart', [pod.address]);
    await eventually(() => get(ip, 80));
    const done = new AbortController();
    let failures = 0;
    const client = (async () => {
      while (!done.signal.aborted) await get(ip, 80).catch(() => failures++);
    })();
    for (let round = 0; round < 3; round++) {
      await stopProxy();
      await startProxy();
    }
    done.abort();
    await client;
    assert.equal(failures, 0);
  });

  test('a table flushed by somebody else comes back', async () => {
    const pod = await aWebPod('flushed');
    const ip = serve('flushed', [pod.address]);
    await eventually(() => get(ip, 80));
    await runCommand('nft', ['flush', 'ruleset']);
    assert.match(await eventually(() => get(ip, 80)), /^flushed/);
  });

  test('a service that the kernel will not take does not keep the others out', async () => {
    const pod = await aWebPod('good');
    const port = { port: 70_000, protocol: 'TCP' as const }; // no API would have let it in
    services.put(aService('default/bad', { clusterIP: '10.202.2.1', clusterIPs: ['10.202.2.1'], ports: [port] }));
    const ip = serve('good', [pod.address]);
    assert.match(await eventually(() => get(ip, 80)), /^good/);
    services.remove('default/bad');
  });

  test('a host port leads to its pod, localhost too, and goes with it', async () => {
    const pod = await aWebPod('hostport');
    const containers = [{ name: 'c', ports: [{ hostPort: 8088, containerPort: 8080, protocol: 'TCP' as const }] }];
    pods.put(aPod('default/hostport', { podIP: pod.address, spec: { containers } as never }));
    assert.match(await eventually(() => get('127.0.0.1', 8088)), /^hostport /);
    assert.match(await get('192.0.2.7', 8088), /^hostport /);
    pods.remove('default/hostport');
    await eventually(() => assert.rejects(get('127.0.0.1', 8088), /ECONNREFUSED/));
  });

  test('pods do not reach the loopback of the node', async () => {
    const pod = await aWebPod('nosy');
    const server = (await import('node:http')).createServer((_, response) => response.end('secret'));
    await new Promise<void>((resolve) => server.listen(7777, '127.0.0.1', resolve));
    try {
      await pod.run('ip', 'route', 'add', '127.0.0.2/32', 'via', network.gateway);
      const flags = ['-sS', '--max-time', '1'];
      await assert.rejects(pod.run('curl', ...flags, '--interface', 'eth0', 'http://127.0.0.1:7777/'));
      await assert.rejects(pod.run('curl', ...flags, 'http://127.0.0.2:7777/'));
    } finally {
      server.close();
    }
  });

  test('the policy Local refuses what comes from outside when no pod is here, and still serves the node', async () => {
    const pod = await aWebPod('local');
    const elsewhere = { addresses: [pod.address], conditions: { ready: true }, nodeName: 'node-2' } as Endpoint;
    const ports = [{ port: 80, nodePort: 30_082, protocol: 'TCP' as const }];
    serve('local', [elsewhere], { type: 'NodePort', externalTrafficPolicy: 'Local', ports });
    assert.match(await eventually(() => get('192.0.2.7', 30_082)), /^local /);
  });

  test('a service whose traffic stays near is led by its hints, and to all when a hint is missing or names nobody near', async () => {
    const [here, near, far] = [await aWebPod('here'), await aWebPod('near'), await aWebPod('far')];
    thisNode({ zone: 'a' });
    const at = (pod: LabPod, nodeName: string, zone: string, hints: Endpoint['hints'] | undefined, ready = true) =>
      ({ addresses: [pod.address], conditions: { ready }, nodeName, zone, ...(hints && { hints }) }) as Endpoint;
    const forZone = (name: string) => ({ forZones: [{ name }] });
    const forNode = (name: string, zone: string) => ({ ...forZone(zone), forNodes: [{ name }] });
    const ip = serve('distributed', [], { trafficDistribution: 'PreferSameNode' });
    /** Who answered in thirty requests: of three, each is missed once in 200,000 runs. */
    const answering = async () => {
      const names = new Set<string>();
      for (let i = 0; i < 30; i++) names.add((await get(ip, 80)).split(' ')[0]!);
      return [...names].sort();
    };
    for (const [what, endpoints, want] of [
      [
        'the same node',
        [
          at(here, 'node-1', 'a', forNode('node-1', 'a')),
          at(near, 'node-2', 'a', forNode('node-2', 'a')),
          at(far, 'node-3', 'b', forNode('node-3', 'b')),
        ],
        ['here'],
      ],
      [
        'no endpoint of this node, so its zone',
        [at(near, 'node-2', 'a', forNode('node-2', 'a')), at(far, 'node-3', 'b', forNode('node-3', 'b'))],
        ['near'],
      ],
      [
        'the one of this node is not ready, so its zone',
        [
          at(here, 'node-1', 'a', forNode('node-1', 'a'), false),
          at(near, 'node-2', 'a', forNode('node-2', 'a')),
          at(far, 'node-3', 'b', forNode('node-3', 'b')),
        ],
        ['near'],
      ],
      [
        'the same zone',
        [
          at(here, 'node-1', 'a', forZone('a')),
          at(near, 'node-2', 'a', forZone('a')),
          at(far, 'node-3', 'b', forZone('b')),
        ],
        ['here', 'near'],
      ],
      [
        'no endpoint for this zone, so any',
        [at(here, 'node-1', 'b', forZone('b')), at(far, 'node-3', 'b', forZone('b'))],
        ['far', 'here'],
      ],
      [
        'one without a hint, so any',
        [
          at(here, 'node-1', 'a', forZone('a')),
          at(near, 'node-2', 'a', undefined),
          at(far, 'node-3', 'b', forZone('b')),
        ],
        ['far', 'here', 'near'],
      ],
    ] as const) {
      slices.put(aSlice('default/distributed', { endpoints }));
      await eventually(async () => assert.deepEqual(await answering(), want, what));
    }
    slices.put(
      aSlice('default/distributed', {
        endpoints: [at(here, 'node-1', 'a', forZone('a')), at(far, 'node-3', 'b', forZone('b'))],
      }),
    );
    await eventually(async () => assert.deepEqual(await answering(), ['here']));
    thisNode({ zone: 'b' });
    await eventually(async () => assert.deepEqual(await answering(), ['far'], 'the node has moved'));
    thisNode({});
    await eventually(async () => assert.deepEqual(await answering(), ['far', 'here'], 'the node is in no zone'));
  });

  test('the internal policy Local is silent while others alone have pods, and a load balancer lets its own node in', async () => {
    const pod = await aWebPod('internal');
    const elsewhere = { addresses: [pod.address], conditions: { ready: true }, nodeName: 'node-2' } as Endpoint;
    const ip = serve('internal', [elsewhere], { internalTrafficPolicy: 'Local' });
    await eventually(() => assert.rejects(get(ip, 80, 300), /timed out/));
    slices.put(aSlice('default/internal', { endpoints: [pod.address] }));
    assert.match(await eventually(() => get(ip, 80)), /^internal /);
    slices.put(aSlice('default/internal', { endpoints: [] }));
    await eventually(() => assert.rejects(get(ip, 80), /ECONNREFUSED/));

    const balanced = '192.0.2.150';
    const serveFrom = (ranges: string[]) =>
      services.put(
        aService(
          'default/ranges',
          {
            clusterIP: '10.202.9.8',
            clusterIPs: ['10.202.9.8'],
            type: 'LoadBalancer',
            loadBalancerSourceRanges: ranges,
          },
          { loadBalancer: { ingress: [{ ip: balanced }] } },
        ),
      );
    slices.put(aSlice('default/ranges', { endpoints: [pod.address] }));
    await runCommand('ip', ['address', 'add', `${balanced}/32`, 'dev', network.bridge]);
    thisNode({ address: '192.0.2.7' });
    serveFrom(['::ffff:192.0.2.0/124']); // 192.0.2.0/28: this node, and not the address
    assert.match(await eventually(() => get(balanced, 80)), /^internal /);
    const asPod = () => pod.run('curl', '-sS', '--max-time', '1', `http://${balanced}/`);
    await assert.rejects(asPod());
    serveFrom(['10.9.0.0/16']);
    await eventually(() => assert.rejects(get(balanced, 80, 300), /timed out/));
    serveFrom(['10.201.0.0/24']);
    assert.match(await eventually(asPod), /^internal /);
    serveFrom(['fd00::/8']);
    assert.match(await eventually(() => get(balanced, 80)), /^internal /);
    services.remove('default/ranges');
  });

  test('what others redirect on this machine keeps its source', async () => {
    const foreign = async (name: string, subnet: string) => {
      const ipam = {
        type: 'host-local',
        dataDir: join(folder, name),
        ranges: [[{ subnet }]],
        routes: [{ dst: '0.0.0.0/0' }],
      };
      const plugins = [{ type: 'bridge', bridge: name, isGateway: true, ipam }];
      const conflist = join(folder, `${name}.conflist`);
      await writeFile(conflist, JSON.stringify({ cniVersion: '1.0.0', name, plugins }));
      const program = `require('node:http').createServer((request, response) => {
        response.end(request.socket.remoteAddress); }).listen(8080, '0.0.0.0', ready);`;
      const pod = await startPod({ conflist, program });
      labPods.push(pod);
      return pod;
    };
    const [client, server] = [await foreign('foreign-a', '10.250.1.0/24'), await foreign('foreign-b', '10.250.2.0/24')];
    const rule = ['ip', 'daddr', '10.250.9.9', 'tcp', 'dport', '80', 'dnat', 'to', `${server.address}:8080`];
    await runCommand('nft', ['add', 'table', 'ip', 'foreign']);
    await runCommand('nft', ['add chain ip foreign in { type nat hook prerouting priority -101; }']);
    await runCommand('nft', ['add', 'rule', 'ip', 'foreign', 'in', ...rule]);
    const answer = await client.run('curl', '-sS', '--max-time', '3', 'http://10.250.9.9/');
    assert.equal(answer, client.address);
  });

  test('a node tells load balancers whether it has ready endpoints, and a proxy that starts anew takes everything at once', async () => {
    const here = await aWebPod('here');
    const spec = {
      type: 'LoadBalancer' as const,
      externalTrafficPolicy: 'Local' as const,
      healthCheckNodePort: 30_099,
    };
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.101' }] } };
    const service = aService(
      'default/checked',
      { clusterIP: '10.202.9.9', clusterIPs: ['10.202.9.9'], ...spec },
      status,
    );
    services.put({ ...service, metadata: { ...service.metadata, annotations: { [announcedAddress]: '192.0.2.101' } } });
    const onOther = { addresses: ['192.0.2.77'], conditions: { ready: true }, nodeName: 'node-2' } as Endpoint;
    const ask = async () => {
      const answer = await fetch('http://127.0.0.1:30099/');
      return {
        status: answer.status,
        weight: answer.headers.get('x-load-balancing-endpoint-weight'),
        body: await answer.json(),
      };
    };
    const expected = (code: number, localEndpoints: number) => ({
      status: code,
      weight: String(localEndpoints),
      body: { service: { namespace: 'default', name: 'checked' }, localEndpoints, serviceProxyHealthy: true },
    });
    slices.put(aSlice('default/checked', { endpoints: [here.address, onOther] }));
    await eventually(async () => assert.deepEqual(await ask(), expected(200, 1)));
    slices.put(aSlice('default/checked', { endpoints: [onOther] }));
    await eventually(async () => assert.deepEqual(await ask(), expected(503, 0)));
    await stopProxy();
    await startProxy();
    for (const [set, address] of [
      ['announced', '192.0.2.101'],
      ['outside', '192.0.2.77'],
    ] as const) {
      const listed = await runCommand('nft', ['list', 'set', 'ip', tableName(cluster), set]);
      assert.ok(listed.includes(address), listed);
    }
    services.remove('default/checked');
    await eventually(() => assert.rejects(ask()));
  });

  test('a UDP service follows its endpoint when it moves', async () => {
    const anEcho = async (name: string) => {
      const pod = await startPod({
        conflist: join(folder, `net.d/10-coracle-${cluster}.conflist`),
        program: `const s = require('node:dgram').createSocket('udp4');
          s.on('message', (m, from) => s.send('${name}', from.port, from.address)); s.bind(5353, '0.0.0.0', ready);`,
      });
      labPods.push(pod);
      return pod;
    };
    const [one, two] = [await anEcho('one'), await anEcho('two')];
    const ip = '10.202.1.1';
    const ports = [{ name: '', protocol: 'UDP' as const, port: 5353 }];
    services.put(aService('default/udp', { clusterIP: ip, clusterIPs: [ip], ports: [{ port: 53, protocol: 'UDP' }] }));
    const { createSocket } = await import('node:dgram');
    const socket = createSocket('udp4'); // one flow, as the kernel sees it
    try {
      const ask = () =>
        new Promise<string>((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error('no answer')), 200);
          socket.once('message', (message) => {
            clearTimeout(timer);
            resolve(message.toString());
          });
          socket.once('error', reject);
          socket.send('?', 53, ip);
        });
      slices.put(aSlice('default/udp', { ports, endpoints: [one.address] }));
      assert.equal(await eventually(ask), 'one');
      slices.put(aSlice('default/udp', { ports, endpoints: [two.address] }));
      await eventually(async () => assert.equal(await ask(), 'two'));
    } finally {
      socket.close();
    }
  });
}

/** One request on a connection of its own. */
function get(address: string, port: number, timeout = 2_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ host: address, port, agent: false, timeout }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    call.on('timeout', () => call.destroy(new Error('timed out')));
    call.on('error', reject);
    call.end();
  });
}

/** Rules follow events a few milliseconds later: tries until it succeeds, for at most five seconds. */
