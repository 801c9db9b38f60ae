// Makes the driver misbehave as a file says, and notes what it was asked. For tests.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GrpcMessage } from '../../../src/kubelet/grpc/proto.ts';
import { GrpcError, type UnaryHandler } from '../../../src/kubelet/grpc/unix-server.ts';

/** By method, in `STATE/faults.json`. */
export interface Fault {
  /** Never answers. */
  readonly hang?: boolean;
  /** The process ends in the middle of the call. */
  readonly die?: boolean;
  readonly code?: number;
  readonly message?: string;
  /** Answers without doing anything. */
  readonly lie?: boolean;
}

export function readFault(stateDir: string, method: string): Fault {
  try {
    return JSON.parse(readFileSync(join(stateDir, 'faults.json'), 'utf8'))[method] ?? {};
  } catch {
    return {};
  }
}

export function withFaults(stateDir: string, handlers: Readonly<Record<string, UnaryHandler>>) {
  const wrap = ([method, handler]: [string, UnaryHandler]): [string, UnaryHandler] => [
    method,
    async (request: GrpcMessage) => {
      appendFileSync(join(stateDir, 'calls.log'), `${JSON.stringify({ method, request })}\n`);
      const { hang, die, code, message, lie } = readFault(stateDir, method);
      if (die) process.exit(1);
      if (hang) await new Promise(() => undefined);
      if (code !== undefined) throw new GrpcError(message ?? 'as the test wants it', code);
      return lie ? {} : handler(request);
    },
  ];
  return Object.fromEntries(Object.entries(handlers).map(wrap));
}
