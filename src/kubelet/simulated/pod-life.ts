// What simulated containers do, by annotations of their pods.
import type { Pod } from '../../../generated/core-v1.ts';
import type { ContainerLife } from '../runtime/simulated/simulated-runtime.ts';

const prefix = 'simulated.coracle.dev/';

/** `simulated.coracle.dev/run-seconds: "5"`, and so on; for one container: `simulated.coracle.dev/NAME.run-seconds`. */
export interface PodLife extends ContainerLife {
  /** How long after its start a probe of it first succeeds. */
  readonly readyDelayMs: number;
}

/** Pods that are to end (jobs, init containers) end after a second, others when they are stopped. */
export function podLife(
  annotations: Readonly<Record<string, string>>,
  container: string,
  endsByItself: boolean,
): PodLife {
  const read = (name: string): number | undefined => {
    const text = annotations[`${prefix}${container}.${name}`] ?? annotations[`${prefix}${name}`];
    const value = text === undefined ? Number.NaN : Number(text);
    return Number.isFinite(value) ? value : undefined;
  };
  const runSeconds = read('run-seconds') ?? (endsByItself ? 1 : undefined);
  return {
    startDelayMs: (read('start-seconds') ?? 0) * 1000,
    stopMs: (read('stop-seconds') ?? 0) * 1000,
    readyDelayMs: (read('ready-seconds') ?? 0) * 1000,
    exitCode: read('exit-code') ?? 0,
    ...(runSeconds !== undefined ? { runMs: runSeconds * 1000 } : {}),
  };
}

/** Whether a container of this pod is one that ends. */
export function endsByItself(pod: Pod, container: string): boolean {
  const init = pod.spec.initContainers?.find(({ name }) => name === container);
  return init ? init.restartPolicy !== 'Always' : pod.spec.restartPolicy !== 'Always';
}
