import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { taskFolder } from '../../kubelet/runtime/containerd-config.ts';
import { ensureContainerd } from '../../kubelet/runtime/containerd-daemon.ts';
import { createCriRuntime } from '../../kubelet/runtime/cri/cri-runtime.ts';
import { removeOrphans } from '../../kubelet/runtime/orphans.ts';
import type { SandboxService } from '../../kubelet/runtime/runtime.ts';
import { shareRuntime } from '../../kubelet/runtime/shared-runtime.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import { checkRealNode } from '../preflight.ts';
import type { MachineRuntime } from '../settings/runtime-endpoint.ts';
import { containerdOptions } from './containerd.ts';
import { ownerOf, socketsOf } from './machine-runtime.ts';
import type { NodePlan } from './node-plan.ts';

const atOnce = 8;
const startMs = 10_000;
const patienceMs = 20_000;
const againMs = 100;

/**
 * Stops and removes every pod a node's containerd has, starting containerd for it when it does not run. What containerd
 * does not let go of in 20 s is left, to be ended with its shim.
 */
export async function removeAllPods(plan: NodePlan): Promise<void> {
  const options = containerdOptions(plan, checkRealNode());
  const { dataDir, cniConfDir } = options;
  const { socketPath } = await ensureContainerd(options);
  const runtime = createCriRuntime({ socketPath, log: silentLogger });
  try {
    const deadline = systemClock.monotonicMs() + patienceMs;
    while (systemClock.monotonicMs() < deadline) {
      const sandboxes = await untilAnswered(() => runtime.listSandboxes());
      const areGone = await removeEach(runtime, sandboxes);
      // What was being started when its agent ended is in the list a moment later, or never.
      const left = await readdir(taskFolder(dataDir)).catch(() => []);
      if (left.length === 0 && areGone) return;
      if (!areGone) await systemClock.sleep(againMs);
      else await removeOrphans(left, { dataDir, socketPath, cniConfDir, clock: systemClock });
    }
  } finally {
    runtime.close();
  }
}

/** A containerd that has just been started listens before it answers. */
async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = systemClock.monotonicMs() + startMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (systemClock.monotonicMs() > deadline) throw error;
      await systemClock.sleep(50);
    }
  }
}

/**
 * Stops and removes the pods of this node in a runtime of the machine's, and nothing else there.
 *
 * @returns whether there were any
 * @throws UserFailure when the runtime does not answer and has pods of ours
 */
export async function removeOwnPods(plan: NodePlan, machineRuntime: MachineRuntime): Promise<boolean> {
  const { socket } = machineRuntime;
  const known = await readdir(join(plan.folder, 'pods')).catch(() => []);
  // Stopped, it leaves its folder behind; taken away, not beyond the next start of the machine.
  if (!existsSync(dirname(socket)) || (known.length === 0 && !existsSync(socket))) return false;
  const runtime = shareRuntime(createCriRuntime({ ...socketsOf(machineRuntime), log: silentLogger }), ownerOf(plan));
  const list = () =>
    untilAnswered(() => runtime.listSandboxes()).catch(() => {
      const remedy = 'start it, and repeat this command; where it is gone for good, start the machine anew first';
      throw failure(`the container runtime at ${socket} does not answer, and may have pods of this cluster`, remedy);
    });
  try {
    const deadline = systemClock.monotonicMs() + patienceMs;
    for (let had = false; ; had = true) {
      const sandboxes = await list();
      if (sandboxes.length === 0) return had;
      if (await removeEach(runtime, sandboxes)) continue;
      if (systemClock.monotonicMs() > deadline) {
        const ids = sandboxes.map(({ id }) => id.slice(0, 13)).join(' ');
        const remedy = `see why: crictl -r unix://${socket} rmp -f ID`;
        throw failure(`the container runtime at ${socket} does not let go of these pods: ${ids}`, remedy);
      }
      await systemClock.sleep(againMs);
    }
  } finally {
    runtime.close();
  }
}

const failure = (message: string, remedy: string) =>
  new UserFailure(exitCodes.runtime, 'E_CONTAINER_RUNTIME', message, remedy);

/** @returns whether all of them went */
async function removeEach(runtime: SandboxService, sandboxes: readonly { readonly id: string }[]): Promise<boolean> {
  const left = [...sandboxes];
  let kept = 0;
  const worker = async () => {
    for (let sandbox = left.pop(); sandbox; sandbox = left.pop()) {
      try {
        await runtime.stopSandbox(sandbox.id);
        await runtime.removeSandbox(sandbox.id);
      } catch {
        kept++; // one of its containers is just being started, and cannot be removed until it has
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return kept === 0;
}
