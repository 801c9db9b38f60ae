import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, ServerCredentials, type sendUnaryData } from '@grpc/grpc-js';
import { grpcProbe } from './grpc-probe.ts';

const healthy = Buffer.from([8, 1]);

/** What it says by the name of the service that is asked for. */
const answers: Readonly<Record<string, Buffer | { readonly code: number; readonly details: string }>> = {
  '': healthy,
  down: Buffer.from([8, 2]),
  odd: Buffer.from([8, 7]),
  unset: Buffer.alloc(0),
  missing: { code: 5, details: 'unknown service' },
  closing: { code: 14, details: 'closing' },
  slow: { code: 4, details: 'too late' },
};

const server = new Server();
const empty = new Server();
const ports: number[] = [];
const proxy = process.env['grpc_proxy'];

before(async () => {
  // Nobody serves there: whoever asks by way of it learns nothing.
  process.env['grpc_proxy'] = 'http://127.0.0.1:1';
  const check = {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestDeserialize: (bytes: Buffer) => ({ service: bytes.subarray(2).toString() }),
    responseSerialize: (bytes: Buffer) => bytes,
  } as const;
  const implementation = {
    check({ request }: { request: { service: string } }, reply: sendUnaryData<Buffer>) {
      const answer = answers[request.service]!;
      if (Buffer.isBuffer(answer)) reply(null, answer);
      else reply(answer);
    },
  };
  server.addService({ check } as never, implementation as never);
  for (const each of [server, empty])
    ports.push(
      await new Promise<number>((resolve, reject) =>
        each.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
          error ? reject(error) : resolve(port),
        ),
      ),
    );
});
after(() => {
  if (proxy === undefined) delete process.env['grpc_proxy'];
  else process.env['grpc_proxy'] = proxy;
  server.forceShutdown();
  empty.forceShutdown();
});

for (const { service, want } of [
  { service: undefined, want: 'service healthy' },
  { service: 'down', want: 'service unhealthy (responded with "NOT_SERVING")' },
  { service: 'unset', want: 'service unhealthy (responded with "UNKNOWN")' },
  { service: 'odd', want: 'service unhealthy (responded with "7")' },
  { service: 'missing', want: 'error: health rpc probe failed: rpc error: code = NotFound desc = unknown service' },
  { service: 'closing', want: 'error: health rpc probe failed: rpc error: code = Unavailable desc = closing' },
])
  test(`a health service that is asked for ${service ?? 'nothing in particular'} answers "${want}"`, async () => {
    const outcome = await grpcProbe('127.0.0.1', { port: ports[0]!, ...(service ? { service } : {}) }, 60_000);
    assert.deepEqual(outcome, { isSuccess: service === undefined, output: want });
  });

test('a health service that is too slow is told from one that nobody can reach', async () => {
  const slow = await grpcProbe('127.0.0.1', { port: ports[0]!, service: 'slow' }, 60_000);
  assert.equal(slow.output, 'timeout: health rpc did not complete within 1m0s');
  const nobody = await grpcProbe('127.0.0.1', { port: 1 }, 60_000);
  const why = 'timeout: failed to connect service "127.0.0.1:1" within 1m0s: context deadline exceeded';
  assert.deepEqual(nobody, { isSuccess: false, output: why });
});

test('a server without a health service is told so', async () => {
  const { isSuccess, output } = await grpcProbe('127.0.0.1', { port: ports[1]! }, 60_000);
  assert.equal(isSuccess, false);
  assert.match(
    output,
    /^error: this server does not implement the grpc health protocol \(grpc\.health\.v1\.Health\): /,
  );
});
