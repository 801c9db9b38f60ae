import { Client, connectivityState, credentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import type { GRPCAction } from '../../../generated/core-v1.ts';
import { RuntimeError, rpcErrorText } from '../runtime/rpc-error.ts';
import type { ProbeOutcome } from './probe-outcome.ts';

const request = new protobuf.Type('HealthCheckRequest').add(new protobuf.Field('service', 1, 'string'));
const response = new protobuf.Type('HealthCheckResponse').add(new protobuf.Field('status', 1, 'int32'));
const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

const codes = { deadlineExceeded: 4, unimplemented: 12, unavailable: 14 } as const;

/** Asks `grpc.health.v1.Health/Check`. */
export function grpcProbe(host: string, { port, service = '' }: GRPCAction, timeoutMs: number): Promise<ProbeOutcome> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const client = new Client(address, credentials.createInsecure(), { 'grpc.primary_user_agent': 'kube-probe/1.36' });
  const within = `${timeoutMs / 1000}s`;
  const problemOf = ({ code, details }: { code: number; details: string }): string => {
    const isConnected = client.getChannel().getConnectivityState(false) === connectivityState.READY;
    if (code === codes.unimplemented)
      return `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${details}`;
    if (code === codes.deadlineExceeded && isConnected) return `timeout: health rpc did not complete within ${within}`;
    if (code === codes.deadlineExceeded || code === codes.unavailable)
      return `timeout: failed to connect service "${address}" within ${within}: context deadline exceeded`;
    return `error: health rpc probe failed: ${rpcErrorText(new RuntimeError(details, code))}`;
  };
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (message: object) => Buffer.from(request.encode(message).finish()),
      (bytes) => (response.decode(bytes) as unknown as { status: number }).status,
      { service },
      { deadline: Date.now() + timeoutMs },
      (error, status = 0) => {
        const name = statuses[status] ?? String(status);
        if (error) resolve({ isSuccess: false, output: problemOf(error) });
        else if (name === 'SERVING') resolve({ isSuccess: true, output: 'service healthy' });
        else resolve({ isSuccess: false, output: `service unhealthy (responded with "${name}")` });
        client.close();
      },
    );
  });
}
