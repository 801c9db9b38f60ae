// Questions a second of the cluster's DNS by UDP: 5,000 services, 64 under way; client and server are two processes.
// node bench/dns.ts [seconds]
import { type ChildProcess, fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import * as packets from 'dns-packet';
import { serviceKind } from '../generated/kinds.ts';
import { systemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/log.ts';
import { createDnsServer } from '../src/network/dns/dns-server.ts';
import { FakeInformerFactory } from '../src/network/testing/fake-informers.ts';
import { aService } from '../src/network/testing/objects.ts';

const serviceCount = 5_000;
const inFlight = 64;

if (process.argv[2] === '--server') await serve();
else await measure(Number(process.argv[2] ?? 5));

async function serve(): Promise<void> {
  const informers = new FakeInformerFactory();
  const services = informers.informer(serviceKind);
  for (let i = 0; i < serviceCount; i++) {
    const clusterIP = `10.96.${i >> 8}.${i & 255}`;
    services.put(aService(`default/svc-${i}`, { clusterIP, clusterIPs: [clusterIP] }));
  }
  const server = createDnsServer({
    informers,
    address: '127.0.0.1',
    port: 0,
    clusterDomain: 'cluster.local',
    clock: systemClock,
    log: silentLogger,
    upstreams: { current: async () => [] },
  });
  const running = server.run(AbortSignal.timeout(3_600_000));
  process.send!(await server.listening);
  process.on('disconnect', () => process.exit(0));
  await running;
}

async function measure(seconds: number): Promise<void> {
  const server: ChildProcess = fork(import.meta.filename, ['--server']);
  const [port] = (await once(server, 'message')) as [number];
  const questions = Array.from({ length: serviceCount }, (_, i) =>
    packets.encode({
      type: 'query',
      id: i,
      flags: packets.RECURSION_DESIRED,
      questions: [{ name: `svc-${i}.default.svc.cluster.local`, type: 'A' }],
    }),
  );
  const socket = createSocket('udp4');
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let answers = 0;
  let next = 0;
  const ask = () => socket.send(questions[next++ % serviceCount]!);
  socket.on('message', () => {
    answers++;
    ask();
  });
  const started = performance.now();
  for (let i = 0; i < inFlight; i++) ask();
  await systemClock.sleep(seconds * 1000);
  const rate = Math.round((answers * 1000) / (performance.now() - started));
  console.log(
    `dns: ${rate} questions/s (A of ${serviceCount} services, UDP, ${inFlight} under way, client in node too)`,
  );
  socket.close();
  server.disconnect();
}
