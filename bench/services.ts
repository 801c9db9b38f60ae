// Services by the thousand: rules from nothing, one changed endpoint, memory; and what a Service costs the packets that use
// it, against the same path without us. In a network namespace of its own; node bench/services.ts [services] [endpoints of each]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endpointSliceKind, serviceKind } from '../generated/kinds.ts';
import { systemClock } from '../src/base/clock.ts';
import { createLogger } from '../src/base/log.ts';
import { ensureHostNetwork } from '../src/network/cni/host-network.ts';
import { nft } from '../src/network/nftables/nft.ts';
import { createServiceProxy } from '../src/network/proxy/service-proxy.ts';
import { FakeInformerFactory } from '../src/network/testing/fake-informers.ts';
import { isInsideLab, type LabPod, labSkipReason, runInsideLab, startPod } from '../src/network/testing/lab.ts';
import { aService, aSlice } from '../src/network/testing/objects.ts';
import { bareNetwork, measurePath, type Path, serverProgram } from './network-path.ts';
import { type Figure, median, printAlone } from './report.ts';

const podCidr = '10.244.0.0/16';
const serviceCidr = '10.96.0.0/12';
const few = 10;
const changes = 31;
const marker = 'figures ';

export async function measureServices(serviceCount = 10_000, endpointCount = 10): Promise<Figure[]> {
  const reason = labSkipReason();
  if (reason) {
    console.error(`services are not measured: ${reason}`);
    return [];
  }
  const { output, code } = runInsideLab(import.meta.filename, [String(serviceCount), String(endpointCount)]);
  const line = output.split('\n').find((each) => each.startsWith(marker));
  if (code !== 0 || !line) throw new Error(output);
  return JSON.parse(line.slice(marker.length)) as Figure[];
}

async function measureInside(serviceCount: number, endpointCount: number): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-services-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true }));
  const host = stack.use(await startPod({ program: 'ready();' })); // this namespace itself
  await host.run('ip', 'link', 'set', 'lo', 'up');
  const ours = await startNetwork(folder);
  const bareList = await bareNetwork(folder);
  const pod = async (conflist: string) => stack.use(await startPod({ conflist, program: serverProgram }));
  const bare = [await pod(bareList), await pod(bareList)] as const;
  const pods = [await pod(ours.conflist), await pod(ours.conflist)] as const;
  const fleet = new Fleet(ours, endpointCount, pods[1].address);
  stack.defer(() => fleet.stop());

  await fleet.grow(few);
  const path = (client: Pick<LabPod, 'run'>, address: string) =>
    measurePath(client, `${address}:8080`, `${address}:8081`);
  // In turns, so that what else the machine does falls on both alike; the first round warms up.
  const paths: Record<string, Path[]> = {};
  const ways: readonly (readonly [string, () => Promise<Path>])[] = [
    ['bare pod', () => path(bare[0], bare[1].address)],
    ['pod', () => path(pods[0], pods[1].address)],
    ['service', () => measurePath(pods[0], `${fleet.address}:8080`, `${fleet.address}:8081`)],
    ['host', () => path(host, pods[1].address)],
    ['node port', () => measurePath(host, `${ours.gateway}:30080`, `${ours.gateway}:30081`)],
  ];
  for (let round = 0; round < 4; round++)
    for (const [name, measure] of ways) {
      const found = await measure();
      if (round > 0) paths[name] = [...(paths[name] ?? []), found];
    }
  const beforeBytes = process.memoryUsage().rss;
  const fullMs = await fleet.grow(serviceCount);
  const changeMs = await fleet.change(changes);
  const grownBytes = process.memoryUsage().rss - beforeBytes;
  const many: Path[] = [];
  for (let round = 0; round < 3; round++)
    many.push(await measurePath(pods[0], `${fleet.address}:8080`, `${fleet.address}:8081`));

  const of = (list: readonly Path[] | undefined, what: keyof Path) => median((list ?? []).map((each) => each[what]));
  const beside = (name: string, [list, other]: readonly [string, string], what: keyof Path): Figure => ({
    name: `services: ${name}`,
    value: of(paths[list], what),
    unit: what === 'throughputMBs' ? 'MB/s' : 'µs',
    isCost: what !== 'throughputMBs',
    target: of(paths[other], what),
  });
  const cost = (name: string, value: number, unit: string, target?: number): Figure => ({
    name: `services: ${name}`,
    value,
    unit,
    isCost: true,
    ...(target === undefined ? {} : { target }),
  });
  const size = `${serviceCount.toLocaleString('en')} of ${endpointCount} endpoints`;
  return [
    cost(`${size}, rules from nothing`, fullMs / 1000, 's', 5),
    cost(`${size}, one endpoint changes, p50`, median(changeMs), 'ms', 20),
    cost(`${size}, memory`, grownBytes / 1e6, 'MB'),
    cost('new connection with these, target: with ten', of(many, 'connectUs'), 'µs', of(paths['service'], 'connectUs')),
    beside('pod to pod, round trip, target: a bare bridge', ['pod', 'bare pod'], 'roundTripUs'),
    beside('pod to pod, throughput, target: a bare bridge', ['pod', 'bare pod'], 'throughputMBs'),
    beside('pod to Service, new connection, target: to the pod', ['service', 'pod'], 'connectUs'),
    beside('pod to Service, round trip, target: to the pod', ['service', 'pod'], 'roundTripUs'),
    beside('pod to Service, throughput, target: to the pod', ['service', 'pod'], 'throughputMBs'),
    beside('node port, new connection, target: to the pod', ['node port', 'host'], 'connectUs'),
    beside('node port, round trip, target: to the pod', ['node port', 'host'], 'roundTripUs'),
    beside('node port, throughput, target: to the pod', ['node port', 'host'], 'throughputMBs'),
  ];
}

interface OurNetwork {
  readonly bridge: string;
  readonly bridgeMac: string;
  readonly gateway: string;
  readonly conflist: string;
}

async function startNetwork(folder: string): Promise<OurNetwork> {
  const cniConfDir = join(folder, 'net.d');
  const network = await ensureHostNetwork({
    clusterName: 'bench',
    podCidr,
    serviceCidr,
    cniConfDir,
    ipamDir: join(folder, 'ipam'),
    recordDir: join(folder, 'record'),
  });
  return { ...network, conflist: join(cniConfDir, '10-coracle-bench.conflist') };
}

/** Services that lead to addresses nobody has, but for the first, which leads to a pod. */
class Fleet {
  readonly address = '10.96.0.1';
  readonly #informers = new FakeInformerFactory();
  readonly #endpointCount: number;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #applied = Promise.withResolvers<void>();
  #size = 0;

  constructor(network: OurNetwork, endpointCount: number, pod: string) {
    this.#endpointCount = endpointCount;
    const ports = [
      { name: 'echo', port: 8080, protocol: 'TCP' as const, nodePort: 30_080 },
      { name: 'sink', port: 8081, protocol: 'TCP' as const, nodePort: 30_081 },
    ];
    const services = this.#informers.informer(serviceKind);
    services.put(
      aService('default/first', { type: 'NodePort', clusterIP: this.address, clusterIPs: [this.address], ports }),
    );
    this.#informers.informer(endpointSliceKind).put(
      aSlice('default/first', {
        ports: ports.map(({ name, port }) => ({ name, port, protocol: 'TCP' })),
        endpoints: [pod],
      }),
    );
    const proxy = createServiceProxy({
      table: 'coracle-bench',
      ...network,
      podCidr,
      clusterPodCidr: podCidr,
      serviceCidr,
      nodeName: 'node-1',
      informers: this.#informers,
      clock: systemClock,
      log: createLogger((line) => process.stderr.write(line), 'warn'),
      forgetFlows: async () => {},
      nft: {
        ...nft,
        apply: async (commands) => {
          await nft.apply(commands);
          this.#applied.resolve();
        },
      },
    });
    this.#running = proxy.run(this.#stopping.signal);
  }

  /** Adds services until there are so many; gives the milliseconds until the kernel has them. */
  async grow(count: number): Promise<number> {
    const [services, slices] = [this.#informers.informer(serviceKind), this.#informers.informer(endpointSliceKind)];
    this.#applied = Promise.withResolvers();
    const began = performance.now();
    for (; this.#size < count; this.#size++) {
      const clusterIP = `10.97.${this.#size >> 8}.${this.#size & 255}`;
      services.put(aService(`default/svc-${this.#size}`, { clusterIP, clusterIPs: [clusterIP] }));
      slices.put(this.#sliceOf(this.#size, 0));
    }
    await this.#applied.promise;
    return performance.now() - began;
  }

  /** Milliseconds until the kernel has it, of so many changes of one endpoint each. */
  async change(count: number): Promise<number[]> {
    const found: number[] = [];
    for (let i = 0; i < count; i++) {
      this.#applied = Promise.withResolvers();
      const began = performance.now();
      this.#informers.informer(endpointSliceKind).put(this.#sliceOf(i, 1));
      await this.#applied.promise;
      found.push(performance.now() - began);
    }
    return found;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** @param shift of the last endpoint's address */
  #sliceOf(index: number, shift: number) {
    const endpoints = Array.from({ length: this.#endpointCount }, (_, k) => {
      const last = k === this.#endpointCount - 1 ? k + 1 + shift * 100 : k + 1;
      return `10.245.${index % 250}.${last}`;
    });
    return aSlice(`default/svc-${index}`, { endpoints });
  }
}

const [serviceCount = 10_000, endpointCount = 10] = process.argv.slice(2).map(Number).filter(Number.isFinite);
if (isInsideLab()) console.log(`${marker}${JSON.stringify(await measureInside(serviceCount, endpointCount))}`);
else if (import.meta.main) await printAlone(() => measureServices(serviceCount, endpointCount));
