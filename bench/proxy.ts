// The service proxy with many services: first sync, one changed endpoint, memory; in a network namespace of its own.
// node bench/proxy.ts [services] [endpoints of each]; needs root.
import { endpointSliceKind, serviceKind } from '../generated/kinds.ts';
import { systemClock } from '../src/base/clock.ts';
import { createLogger } from '../src/base/log.ts';
import { nft } from '../src/network/nftables/nft.ts';
import { createServiceProxy } from '../src/network/proxy/service-proxy.ts';
import { FakeInformerFactory } from '../src/network/testing/fake-informers.ts';
import { isInsideLab, labSkipReason, runInsideLab } from '../src/network/testing/lab.ts';
import { aService, aSlice } from '../src/network/testing/objects.ts';

const reason = labSkipReason();
if (reason) console.log(`proxy: not measured, ${reason}`);
else if (isInsideLab()) await measure();
else measureInside();

function measureInside(): void {
  const { output, code } = runInsideLab(import.meta.filename, process.argv.slice(2));
  process.stdout.write(output);
  process.exitCode = code;
}

async function measure(): Promise<void> {
  const serviceCount = Number(process.argv[2] ?? 1000);
  const endpointCount = Number(process.argv[3] ?? 10);
  const informers = new FakeInformerFactory();
  const services = informers.informer(serviceKind);
  const slices = informers.informer(endpointSliceKind);
  let applied = Promise.withResolvers<void>();
  const proxy = createServiceProxy({
    table: 'coracle-bench',
    bridge: 'cor-bench',
    podCidr: '10.244.0.0/16',
    clusterPodCidr: '10.244.0.0/16',
    serviceCidr: '10.96.0.0/12',
    bridgeMac: '02:00:00:00:00:01',
    nodeName: 'node-1',
    informers,
    clock: systemClock,
    log: createLogger((line) => process.stderr.write(line), 'warn'),
    forgetFlows: async () => {},
    nft: {
      ...nft,
      async apply(commands) {
        await nft.apply(commands);
        applied.resolve();
      },
    },
  });
  const sliceOf = (i: number, shift: number) =>
    aSlice(`default/svc-${i}`, {
      endpoints: Array.from({ length: endpointCount }, (_, k) => `10.244.${(i + shift) % 250}.${k + 1}`),
    });
  for (let i = 0; i < serviceCount; i++) {
    const clusterIP = `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
    services.put(aService(`default/svc-${i}`, { clusterIP, clusterIPs: [clusterIP] }));
    slices.put(sliceOf(i, 0));
  }
  const stop = new AbortController();
  let started = performance.now();
  const running = proxy.run(stop.signal);
  await proxy.ready;
  const full = performance.now() - started;
  const changes: number[] = [];
  for (let i = 0; i < 20; i++) {
    applied = Promise.withResolvers();
    started = performance.now();
    slices.put(sliceOf(i, i + 1));
    await applied.promise;
    changes.push(performance.now() - started);
  }
  changes.sort((a, b) => a - b);
  const megabytes = Math.round(process.memoryUsage.rss() / 2 ** 20);
  console.log(
    `proxy: ${serviceCount} services × ${endpointCount} endpoints: first sync ${full.toFixed(0)} ms, ` +
      `one change p50 ${changes[10]!.toFixed(0)} ms, worst ${changes[19]!.toFixed(0)} ms, ${megabytes} MiB resident`,
  );
  stop.abort();
  await running;
}
