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
const rounds = 3;

/** Stops and removes every pod a node's containerd has, starting containerd for it when it does not run. */
export async function removeAllPods(plan: NodePlan): Promise<void> {
  const options = containerdOptions(plan, checkRealNode());
  const { dataDir, cniConfDir } = options;
  const { socketPath } = await ensureContainerd(options);
  const runtime = createCriRuntime({ socketPath, log: silentLogger });
  try {
    for (let round = 0; round < rounds; round++) {
      const sandboxes = await untilAnswered(() => runtime.listSandboxes());
      const worker = async () => {
        for (let sandbox = sandboxes.pop(); sandbox; sandbox = sandboxes.pop()) {
          await runtime.stopSandbox(sandbox.id);
          await runtime.removeSandbox(sandbox.id);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      // What was being started when its agent ended is in the list a moment later, or never.
      const left = await readdir(taskFolder(dataDir)).catch(() => []);
      if (left.length === 0) return;
      await removeOrphans(left, { dataDir, socketPath, cniConfDir, clock: systemClock });
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
