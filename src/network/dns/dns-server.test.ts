import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import test, { after, before } from 'node:test';
import * as packets from 'dns-packet';
import type { Namespace } from '../../../generated/core-v1.ts';
import { endpointSliceKind, namespaceKind, serviceKind } from '../../../generated/kinds.ts';
import { systemClock } from '../../base/clock.ts';
import { FakeClock } from '../../base/clock-fake.ts';
import { createLogger, silentLogger } from '../../base/log.ts';
import { FakeInformerFactory } from '../testing/fake-informers.ts';
import { aService, aSlice } from '../testing/objects.ts';
import { createDnsServer } from './dns-server.ts';
import type { Upstream } from './upstreams.ts';

const informers = new FakeInformerFactory();
const stop = new AbortController();
let running: Promise<void>;
let port: number;
let upstreams: Upstream[] = [];
const closing: (() => void)[] = [];

before(async () => {
  informers.informer(namespaceKind).put({ metadata: { name: 'default' } } as Namespace);
  const services = informers.informer(serviceKind);
  services.put(aService('default/web', { clusterIP: '10.96.0.20', clusterIPs: ['10.96.0.20'] }));
  services.put(aService('default/many', { clusterIP: 'None', clusterIPs: ['None'] }));
  services.put(aService('default/out', { type: 'ExternalName', externalName: 'www.example.com' }));
  services.put(aService('default/loop', { type: 'ExternalName', externalName: 'loop.default.svc.cluster.local' }));
  services.put(aService('default/odd', { type: 'ExternalName', externalName: `${'a'.repeat(70)}.example.com` }));
  services.put(aService('default/few', { clusterIP: 'None', clusterIPs: ['None'] }));
  const few = Array.from({ length: 7 }, (_, index) => `10.244.2.${index + 1}`);
  informers.informer(endpointSliceKind).put(aSlice('default/few', { endpoints: few }));
  const endpoints = Array.from({ length: 200 }, (_, index) => `10.244.1.${index + 1}`);
  informers.informer(endpointSliceKind).put(aSlice('default/many', { endpoints }));
  const server = createDnsServer({
    informers,
    address: '127.0.0.1',
    port: 0,
    clusterDomain: 'cluster.local',
    clock: systemClock,
    log: silentLogger,
    upstreams: { current: async () => upstreams },
  });
  running = server.run(stop.signal);
  port = await server.listening;
});

after(async () => {
  stop.abort();
  await running;
  for (const close of closing) close();
});

const question = (name: string, type: string, extra: Partial<packets.Packet> = {}) =>
  packets.encode({
    type: 'query',
    id: 4711,
    flags: packets.RECURSION_DESIRED,
    questions: [{ name, type: type as packets.RecordType }],
    ...extra,
  });
const edns = (udpPayloadSize: number) => ({
  additionals: [
    { type: 'OPT', name: '.', udpPayloadSize, flags: 0, options: [], extendedRcode: 0, ednsVersion: 0, flag_do: false },
  ] as packets.Answer[],
});

async function askUdp(bytes: Buffer, timeoutMs = 2000): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    socket.send(bytes, port, '127.0.0.1');
    const [reply] = (await once(socket, 'message', { signal: AbortSignal.timeout(timeoutMs) })) as [Buffer];
    return reply;
  } finally {
    socket.close();
  }
}

async function askTcp(bytes: Buffer): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  socket.write(Buffer.concat([length, bytes]));
  let all = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    all = Buffer.concat([all, chunk]);
    if (all.length >= 2 && all.length >= 2 + all.readUInt16BE(0)) break;
  }
  socket.destroy();
  return all.subarray(2);
}

/** A server that answers by UDP and TCP; counts what it was asked. */
async function anUpstream(answerOf: (name: string) => string[], options: { silent?: boolean } = {}) {
  const asked: string[] = [];
  const reply = (message: Buffer) => {
    const { id, questions } = packets.decode(message);
    const name = questions![0]!.name;
    asked.push(name);
    const answers = answerOf(name).map((data) => ({ name, type: 'A' as const, ttl: 60, data }));
    return packets.encode({
      type: 'response',
      id: id!,
      flags: packets.RECURSION_AVAILABLE,
      questions: questions!,
      answers,
    });
  };
  const udp = createSocket('udp4');
  udp.on('message', (message, from) => {
    const bytes = reply(message);
    if (options.silent) return;
    if (bytes.length > 512) bytes.writeUInt16BE(bytes.readUInt16BE(2) | 0x0200, 2);
    udp.send(bytes.length > 512 ? bytes.subarray(0, 12 + message.length - 12) : bytes, from.port, from.address);
  });
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const taken = udp.address().port;
  const tcp = createServer((socket) => {
    socket.on('data', (data) => {
      const bytes = reply(data.subarray(2));
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      socket.end(Buffer.concat([length, bytes]));
    });
  });
  tcp.listen(taken, '127.0.0.1');
  await once(tcp, 'listening');
  closing.push(
    () => udp.close(),
    () => tcp.close(),
  );
  return { upstream: { address: '127.0.0.1', port: taken }, asked };
}

test('a service is found by UDP and by TCP, whatever the case of its name', async () => {
  for (const ask of [askUdp, askTcp]) {
    const reply = packets.decode(await ask(question('WeB.default.svc.CLUSTER.local', 'A')));
    assert.equal(reply.id, 4711);
    assert.equal(reply.questions?.[0]?.name, 'WeB.default.svc.CLUSTER.local');
    assert.deepEqual(
      reply.answers?.map((answer) => (answer as packets.StringAnswer).data),
      ['10.96.0.20'],
    );
    assert.equal(reply.flag_aa, true);
    assert.equal(reply.flag_rd, true);
  }
});

test('what is too long for UDP is cut and marked, and whole by TCP', async () => {
  const name = 'many.default.svc.cluster.local';
  const plain = await askUdp(question(name, 'A'));
  assert.ok(plain.length <= 512);
  assert.equal(packets.decode(plain).flag_tc, true);
  const large = await askUdp(question(name, 'A', edns(4096)));
  assert.ok(large.length > 512 && large.length <= 1232);
  assert.equal(packets.decode(large).additionals?.[0]?.type, 'OPT');
  assert.equal(packets.decode(await askTcp(question(name, 'A'))).answers?.length, 200);
});

test('an answer that is whole is not marked as cut for the addresses beside it', async () => {
  const reply = packets.decode(await askUdp(question('few.default.svc.cluster.local', 'SRV')));
  assert.equal(reply.answers?.length, 7);
  assert.ok(reply.additionals!.length < 7, String(reply.additionals?.length));
  assert.equal(reply.flag_tc, false);
});

test('a name that is not there is denied with the SOA', async () => {
  const reply = packets.decode(await askUdp(question('nope.default.svc.cluster.local', 'A')));
  assert.equal((reply as { rcode?: string }).rcode, 'NXDOMAIN');
  assert.equal(reply.authorities?.[0]?.type, 'SOA');
});

test('without a server to ask, other names fail at once', async () => {
  upstreams = [];
  const reply = packets.decode(await askUdp(question('www.example.com', 'A'), 500));
  assert.equal((reply as { rcode?: string }).rcode, 'SERVFAIL');
});

test('other names are asked of the first server that answers, and kept', async () => {
  const dead = await anUpstream(() => [], { silent: true });
  const live = await anUpstream(() => ['192.0.2.80']);
  upstreams = [dead.upstream, live.upstream];
  for (let i = 0; i < 3; i++) {
    const reply = packets.decode(await askUdp(question('www.Example.org', 'A'), 3000));
    assert.equal(reply.id, 4711);
    assert.deepEqual(
      reply.answers?.map((answer) => (answer as packets.StringAnswer).data),
      ['192.0.2.80'],
    );
  }
  const asked = live.asked.filter((name) => name.toLowerCase() === 'www.example.org'); // beside what finds loops
  assert.equal(asked.length, 1);
});

test('an answer of another server that is too long comes whole by TCP', async () => {
  const many = await anUpstream(() => Array.from({ length: 100 }, (_, index) => `192.0.2.${index}`));
  upstreams = [many.upstream];
  const cut = packets.decode(await askUdp(question('long.example.net', 'A')));
  assert.equal(cut.flag_tc, true);
  assert.equal(packets.decode(await askTcp(question('long.example.net', 'A'))).answers?.length, 100);
});

test('an ExternalName brings its alias and where that leads', async () => {
  const live = await anUpstream(() => ['192.0.2.81']);
  upstreams = [live.upstream];
  const reply = packets.decode(await askUdp(question('out.default.svc.cluster.local', 'A')));
  assert.deepEqual(
    reply.answers?.map((answer) => `${answer.name} ${answer.type} ${(answer as packets.StringAnswer).data}`),
    ['out.default.svc.cluster.local CNAME www.example.com', 'www.example.com A 192.0.2.81'],
  );
});

test('an alias of itself, or to a name that cannot be, ends', async () => {
  const loop = packets.decode(await askUdp(question('loop.default.svc.cluster.local', 'A')));
  assert.ok((loop.answers?.length ?? 0) < 20);
  const odd = packets.decode(await askUdp(question('odd.default.svc.cluster.local', 'A')));
  assert.equal((odd as { rcode?: string }).rcode, 'NXDOMAIN');
});

test('an answer is given again until the cluster changes, with another address first each time', async () => {
  const services = informers.informer(serviceKind);
  const slices = informers.informer(endpointSliceKind);
  services.put(aService('default/turns', { clusterIP: 'None', clusterIPs: ['None'] }));
  slices.put(aSlice('default/turns', { endpoints: ['10.244.2.1', '10.244.2.2', '10.244.2.3'] }));
  const addresses = async () =>
    packets
      .decode(await askUdp(question('turns.default.svc.cluster.local', 'A')))
      .answers!.map((answer) => (answer as packets.StringAnswer).data);
  const firsts: string[] = [];
  for (let i = 0; i < 12; i++) firsts.push((await addresses())[0]!);
  for (const address of ['10.244.2.1', '10.244.2.2', '10.244.2.3'])
    assert.equal(firsts.filter((each) => each === address).length, 4);
  slices.put(aSlice('default/turns', { endpoints: ['10.244.2.9'] }));
  assert.deepEqual(await addresses(), ['10.244.2.9']);
  services.remove('default/turns');
  const gone = packets.decode(await askUdp(question('turns.default.svc.cluster.local', 'A')));
  assert.equal((gone as { rcode?: string }).rcode, 'NXDOMAIN');
});

test('every SRV record has the name that was asked for, however it was spelt', async () => {
  informers.informer(serviceKind).put(
    aService('default/two', {
      clusterIP: '10.96.0.30',
      clusterIPs: ['10.96.0.30'],
      ports: [
        { name: 'a', port: 1, protocol: 'TCP' },
        { name: 'b', port: 2, protocol: 'TCP' },
      ],
    }),
  );
  const { answers = [], additionals = [] } = packets.decode(
    await askUdp(question('TWO.default.svc.cluster.local', 'SRV')),
  );
  assert.deepEqual(
    answers.map(({ name }) => name),
    ['TWO.default.svc.cluster.local', 'TWO.default.svc.cluster.local'],
  );
  assert.equal((additionals[0] as packets.StringAnswer).data, '10.96.0.30');
});

test('a server that asks us in turn is left out', async () => {
  upstreams = [{ address: '127.0.0.1', port }];
  await askUdp(question('round.example.com', 'A'), 5_000);
  upstreams = [{ address: '127.0.0.1', port }, (await anUpstream(() => ['192.0.2.85'])).upstream];
  for (let left = 100; left > 0; left--) {
    const reply = packets.decode(await askUdp(question(`n${left}.example.com`, 'A'), 5_000));
    if (reply.answers?.length === 1) return;
  }
  assert.fail('no question came past the server that leads back');
});

for (const [what, bytes, want] of [
  ['an unknown operation', Buffer.from('12340800000100000000000000', 'hex'), 'NOTIMP'],
  ['no question', Buffer.from('123401000000000000000000', 'hex'), 'FORMERR'],
  ['two questions', Buffer.from('123401000002000000000000', 'hex'), 'FORMERR'],
  ['a name that points at itself', Buffer.from('123401000001000000000000c00c00010001', 'hex'), 'FORMERR'],
  ['a question cut short', question('web.default.svc.cluster.local', 'A').subarray(0, 30), 'FORMERR'],
  [
    'records that are not there',
    Buffer.concat([question('a.b', 'A').subarray(0, 10), Buffer.from([0, 1]), question('a.b', 'A').subarray(12)]),
    'FORMERR',
  ],
  ['another class', Buffer.concat([question('version.bind', 'TXT').subarray(0, -1), Buffer.from([3])]), 'REFUSED'],
  ['the whole zone', question('cluster.local', 'AXFR'), 'REFUSED'],
  ['its changes', question('cluster.local', 'IXFR'), 'REFUSED'],
  ['everything of a name', question('web.default.svc.cluster.local', 'ANY'), 'NOERROR'],
  ['everything of an alias', question('out.default.svc.cluster.local', 'ANY'), 'NOERROR'],
  ['everything of a name that is not there', question('nope.default.svc.cluster.local', 'ANY'), 'NXDOMAIN'],
] as const) {
  test(`the server answers ${want} to ${what}`, async () => {
    const reply = packets.decode(await askUdp(Buffer.from(bytes)));
    assert.equal((reply as { rcode?: string }).rcode, want);
  });
}

test('an unknown version of EDNS is named as such', async () => {
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, ednsVersion: 7, extendedRcode: 0, flags: 0, options: [] };
  const reply = packets.decode(
    await askUdp(question('web.default.svc.cluster.local', 'A', { additionals: [opt as unknown as packets.Answer] })),
  );
  assert.equal((reply.additionals![0] as packets.OptAnswer).extendedRcode, 1);
});

test('answers and short datagrams are ignored, and the server goes on', async () => {
  const socket = createSocket('udp4');
  const answerBack = question('web.default.svc.cluster.local', 'A');
  answerBack.writeUInt16BE(0x8180, 2);
  for (const bytes of [answerBack, Buffer.alloc(0), Buffer.alloc(11)]) socket.send(bytes, port, '127.0.0.1');
  let replies = 0;
  socket.on('message', () => replies++);
  await askUdp(question('web.default.svc.cluster.local', 'A'));
  assert.equal(replies, 0);
  socket.close();
});

test('ten thousand datagrams of noise do not end the server', async () => {
  const socket = createSocket('udp4');
  let seed = 42;
  const random = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 2147483648;
  };
  const good = question('web.default.svc.cluster.local', 'A', edns(1232));
  upstreams = [];
  for (let i = 0; i < 10_000; i++) {
    const bytes = Buffer.from(good.subarray(0, 1 + Math.floor(random() * good.length)));
    for (let changes = 0; changes < 4; changes++)
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    socket.send(bytes, port, '127.0.0.1');
    if (i % 200 === 0) await askUdp(good);
  }
  socket.close();
  assert.equal(packets.decode(await askUdp(good)).answers?.length, 1);
});

test('a TCP connection may send several questions, in pieces', async () => {
  const socket = connect(port, '127.0.0.1');
  const one = question('web.default.svc.cluster.local', 'A');
  const framed = Buffer.concat([Buffer.from([0, one.length]), one, Buffer.from([0, one.length]), one]);
  for (const byte of framed) socket.write(Buffer.from([byte]));
  let all = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    all = Buffer.concat([all, chunk]);
    const first = all.length >= 2 ? 2 + all.readUInt16BE(0) : Number.POSITIVE_INFINITY;
    if (all.length >= first * 2) break;
  }
  assert.equal(packets.decode(all.subarray(2, 2 + all.readUInt16BE(0))).answers?.length, 1);
  socket.destroy();
});

test('a server whose port is taken listens once it is free', async () => {
  const taken = createSocket('udp4');
  taken.bind(0, '127.0.0.1');
  await once(taken, 'listening');
  const clock = new FakeClock();
  const saysSo = Promise.withResolvers<void>();
  const second = createDnsServer({
    informers,
    address: '127.0.0.1',
    port: taken.address().port,
    clusterDomain: 'cluster.local',
    clock,
    log: createLogger(() => saysSo.resolve()),
    upstreams: { current: async () => [] },
  });
  const stopSecond = new AbortController();
  const ends = second.run(stopSecond.signal);
  await saysSo.promise;
  const port = taken.address().port;
  await new Promise<void>((resolve) => taken.close(resolve));
  await clock.advance(1_000);
  assert.equal(await second.listening, port);
  stopSecond.abort();
  await ends;
});
