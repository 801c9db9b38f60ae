import { Client, connectivityState, credentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import type { GRPCAction } from '../../../generated/core-v1.ts';
import { callUnary, type GrpcError } from '../../base/grpc.ts';
import { goDuration } from '../pods/backoff.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import type { ProbeOutcome } from './probe-outcome.ts';

const request = new protobuf.Type('HealthCheckRequest').add(new protobuf.Field('service', 1, 'string'));
const response = new protobuf.Type('HealthCheckResponse').add(new protobuf.Field('status', 1, 'int32'));
const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

const codes = { deadlineExceeded: 4, unimplemented: 12, unavailable: 14 } as const;

/** Asks `grpc.health.v1.Health/Check`. */
export async function grpcProbe(
  host: string,
  { port, service = '' }: GRPCAction,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.primary_user_agent': 'kube-probe/1.36',
    // Pods are asked themselves, whatever proxy the agent has for the world.
    'grpc.enable_http_proxy': 0,
  });
  const within = goDuration(timeoutMs);
  const problemOf = (error: GrpcError): string => {
    const { code, message: details } = error;
    const isConnected = client.getChannel().getConnectivityState(false) === connectivityState.READY;
    if (code === codes.unimplemented)
      return `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${details}`;
    if (code === codes.deadlineExceeded && isConnected) return `timeout: health rpc did not complete within ${within}`;
    if (code === codes.deadlineExceeded || (code === codes.unavailable && !isConnected))
      return `timeout: failed to connect service "${address}" within ${within}: context deadline exceeded`;
    return `error: health rpc probe failed: ${rpcErrorText(error)}`;
  };
  const check = {
    channel: client,
    path: '/grpc.health.v1.Health/Check',
    encode: (message: object) => Buffer.from(request.encode(message).finish()),
    decode: (bytes: Buffer) => (response.decode(bytes) as unknown as { status: number }).status,
    request: { service },
  };
  try {
    const status = await callUnary(check, { timeoutMs });
    const name = statuses[status] ?? String(status);
    if (name === 'SERVING') return { isSuccess: true, output: 'service healthy' };
    return { isSuccess: false, output: `service unhealthy (responded with "${name}")` };
  } catch (error) {
    return { isSuccess: false, output: problemOf(error as GrpcError) };
  } finally {
    client.close();
  }
}
