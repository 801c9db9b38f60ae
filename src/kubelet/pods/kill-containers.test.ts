import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import { GrpcError } from '../../base/grpc.ts';
import { killPod } from './kill-containers.ts';
import type { PodServices } from './pod-services.ts';

const pod: Pod = {
  metadata: { name: 'p', uid: 'U' },
  spec: {
    containers: [{ name: 'a' }, { name: 'b' }],
    initContainers: [{ name: 'sidecar', restartPolicy: 'Always' }],
  },
};

/** Three containers in a sandbox; `refused` go on running whatever they are told. */
function aPod(refused: readonly string[]) {
  const containers = ['a', 'b', 'sidecar'].map((name) => ({ id: name, name, podUid: 'U', state: 'CONTAINER_RUNNING' }));
  const stopped: string[] = [];
  const stop = async (id: string) => {
    if (refused.includes(id)) throw new GrpcError(`"${id}" hangs`, 4);
    stopped.push(id);
  };
  const services = {
    clock: { monotonicMs: () => 0, sleep: async () => {} },
    events: { container() {} },
    runtime: { stopContainer: stop, stopSandbox: stop },
    tracker: {
      stateOf: () => ({ containers, sandboxes: [{ id: 'S', state: 'SANDBOX_READY', ips: [] }] }),
      refreshContainer: async () => ({ state: 'CONTAINER_RUNNING' }),
      refreshSandbox: async () => {},
      lookAfterExit: async () => {},
    },
  } as unknown as PodServices;
  return { services, stopped };
}

test('a container that does not end keeps nothing else from being stopped, and is named', async () => {
  const { services, stopped } = aPod(['a']);
  await assert.rejects(killPod(services, { pod, graceSeconds: 1 }), {
    message:
      'failed to "KillContainer" for "a" with KillContainerError: "rpc error: code = DeadlineExceeded desc = \\"a\\" hangs"',
  });
  assert.deepEqual(stopped, ['b', 'sidecar', 'S']);
});

test('several that do not end are named together', async () => {
  const { services } = aPod(['sidecar', 'S']);
  await assert.rejects(killPod(services, { pod, graceSeconds: 1 }), ({ message }: Error) =>
    /^\[failed to "KillContainer" for "sidecar" with .*, failed to "KillPodSandbox" for "U" with KillPodSandboxError: "rpc .*"\]$/.test(
      message,
    ),
  );
});
