// Lifecycle hooks: a command, a request or a pause, before or after a container's life.
import type { Container, LifecycleHandler } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import { httpGet, httpUrl } from '../probes/run-probe.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';

export interface HookTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIP: string;
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
}

/** @throws when the hook failed. A time limit of 0 is none. */
export async function runHook(
  handler: LifecycleHandler,
  target: HookTarget,
  timeoutSeconds: number,
  signal?: AbortSignal,
): Promise<void> {
  const { runtime, containerId, clock } = target;
  if (handler.exec) {
    const { exitCode, stdout, stderr } = await runtime.execSync(
      containerId,
      handler.exec.command ?? [],
      timeoutSeconds,
    );
    if (exitCode !== 0)
      throw new Error(
        `command '${(handler.exec.command ?? []).join(' ')}' exited with ${exitCode}: ${Buffer.concat([stderr, stdout]).toString()}`,
      );
  } else if (handler.httpGet) {
    const url = httpUrl(handler.httpGet, target);
    const { status } = await httpGet(
      url,
      handler.httpGet.httpHeaders ?? [],
      timeoutSeconds > 0 ? timeoutSeconds * 1000 : 30_000,
    );
    if (status >= 400) throw new Error(`${url} answered ${status}`);
  } else if (handler.sleep) {
    const seconds = timeoutSeconds > 0 ? Math.min(handler.sleep.seconds, timeoutSeconds) : handler.sleep.seconds;
    await clock.sleep(seconds * 1000, signal);
  }
}
