import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { ensureContainerd } from '../../kubelet/runtime/containerd-daemon.ts';
import { createCriRuntime } from '../../kubelet/runtime/cri/cri-runtime.ts';
import { checkRealNode } from '../preflight.ts';
import { containerdOptions } from './containerd.ts';
import type { NodePlan } from './node-plan.ts';

const atOnce = 8;
const startMs = 10_000;

/** Stops and removes every pod a node's containerd has, starting containerd for it when it does not run. */
export async function removeAllPods(plan: NodePlan): Promise<void> {
  const { socketPath } = await ensureContainerd(containerdOptions(plan, checkRealNode()));
  const runtime = createCriRuntime({ socketPath, log: silentLogger });
  try {
    const sandboxes = await untilAnswered(() => runtime.listSandboxes());
    const worker = async () => {
      for (let sandbox = sandboxes.pop(); sandbox; sandbox = sandboxes.pop()) {
        await runtime.stopSandbox(sandbox.id);
        await runtime.removeSandbox(sandbox.id);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
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
