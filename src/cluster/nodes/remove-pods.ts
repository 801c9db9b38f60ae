import { readdir } from 'node:fs/promises';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { taskFolder } from '../../kubelet/runtime/containerd-config.ts';
import { ensureContainerd } from '../../kubelet/runtime/containerd-daemon.ts';
import { createCriRuntime } from '../../kubelet/runtime/cri/cri-runtime.ts';
import { removeOrphans } from '../../kubelet/runtime/orphans.ts';
import { checkRealNode } from '../preflight.ts';
import { containerdOptions } from './containerd.ts';
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
      let kept = 0;
      const worker = async () => {
        for (let sandbox = sandboxes.pop(); sandbox; sandbox = sandboxes.pop()) {
          try {
            await runtime.stopSandbox(sandbox.id);
            await runtime.removeSandbox(sandbox.id);
          } catch {
            kept++; // one of its containers is just being started, and cannot be removed until it has
          }
        }
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      // What was being started when its agent ended is in the list a moment later, or never.
      const left = await readdir(taskFolder(dataDir)).catch(() => []);
      if (left.length === 0 && kept === 0) return;
      if (kept > 0) await systemClock.sleep(againMs);
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
