import { Client, credentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import type { GRPCAction } from '../../../generated/core-v1.ts';
import type { ProbeOutcome } from './probe-outcome.ts';

const request = new protobuf.Type('HealthCheckRequest').add(new protobuf.Field('service', 1, 'string'));
const response = new protobuf.Type('HealthCheckResponse').add(new protobuf.Field('status', 1, 'int32'));
const serving = 1;

/** Asks `grpc.health.v1.Health/Check`. */
export function grpcProbe(host: string, { port, service = '' }: GRPCAction, timeoutMs: number): Promise<ProbeOutcome> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const client = new Client(address, credentials.createInsecure());
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (message: object) => Buffer.from(request.encode(message).finish()),
      (bytes) => (response.decode(bytes) as unknown as { status: number }).status,
      { service },
      { deadline: Date.now() + timeoutMs },
      (error, status) => {
        client.close();
        if (!error)
          resolve({
            isSuccess: status === serving,
            output: `service unhealthy (responded with ${JSON.stringify(status)})`,
          });
        else if (error.code === 14 || error.code === 4)
          resolve({
            isSuccess: false,
            output: `timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: ${error.details}`,
          });
        else resolve({ isSuccess: false, output: `error: health rpc probe failed: ${error.details}` });
      },
    );
  });
}
