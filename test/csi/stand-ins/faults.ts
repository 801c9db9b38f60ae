// Notes what the driver was asked, and makes it misbehave once for each volume that says so in its attributes. For tests.
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GrpcError } from '../../../src/base/grpc.ts';
import type { GrpcMessage } from '../../../src/kubelet/grpc/proto.ts';
import type { UnaryHandler } from '../../../src/kubelet/grpc/unix-server.ts';

/** Attribute `fault`: refuse; answer without doing anything; never answer; end in the middle of the call. */
export type Fault = 'refuse' | 'lie' | 'hang' | 'die';

const internal = 13;

/** @param service `Node` */
export function withFaults(stateDir: string, service: string, handlers: Readonly<Record<string, UnaryHandler>>) {
  const wrap = ([method, handler]: [string, UnaryHandler]): [string, UnaryHandler] => [
    method,
    async (request: GrpcMessage) => {
      appendFileSync(join(stateDir, 'calls.log'), `${JSON.stringify({ method, request })}\n`);
      tell(`/csi.v1.${service}/${method}`, request);
      const fault = faultOf(stateDir, request);
      if (fault === 'die') process.exit(1);
      if (fault === 'hang') await new Promise(() => undefined);
      if (fault === 'refuse') throw new GrpcError('no luck', internal);
      return fault === 'lie' ? {} : handler(request);
    },
  ];
  return Object.fromEntries(Object.entries(handlers).map(wrap));
}

/** As upstream's driver does: its specs read it in the log. */
function tell(method: string, { volumeContext }: GrpcMessage): void {
  const call = {
    Method: method,
    Request: { volume_context: volumeContext ?? {} },
    Response: {},
    Error: '',
    FullError: null,
  };
  console.log(`gRPCCall: ${JSON.stringify(call)}`);
}

function faultOf(stateDir: string, { volumeContext, volumeId }: GrpcMessage): Fault | undefined {
  const fault = volumeContext?.fault as Fault | undefined;
  const done = join(stateDir, `done-${volumeId}`);
  if (!fault || existsSync(done)) return undefined;
  writeFileSync(done, '');
  return fault;
}
