// Lifecycle hooks: a command, a request or a pause, before or after a container's life.
import type { Container, HTTPGetAction, HTTPHeader, LifecycleHandler, Pod } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { PodEvents } from '../events.ts';
import { httpGet, httpUrl } from '../probes/run-probe.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';

export interface HookTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIP: string;
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  /** Whoever answers at this address speaks no TLS, and was asked without. */
  readonly onFallback?: (address: string) => void;
}

/** Of a hook that has no limit of its own. */
const longRequestMs = 3_600_000;

/** Tells of a pod that asks for TLS where there is none. */
export function sayFallback(events: PodEvents, pod: Pod): (address: string) => void {
  return (address) => {
    const text = `request to HTTPS lifecycle hook ${address} got HTTP response, retry with HTTP succeeded`;
    events.pod(pod, 'Warning', 'LifecycleHTTPFallback', text);
  };
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
    const timeoutMs = timeoutSeconds > 0 ? timeoutSeconds * 1000 : longRequestMs;
    await request(handler.httpGet, target, (url, headers) => httpGet(url, headers, timeoutMs, signal));
  } else if (handler.sleep) {
    const seconds = timeoutSeconds > 0 ? Math.min(handler.sleep.seconds, timeoutSeconds) : handler.sleep.seconds;
    await clock.sleep(seconds * 1000, signal);
  }
}

/** Any answer will do: the hook has been told. */
async function request(
  action: HTTPGetAction,
  target: HookTarget,
  get: (url: URL, headers: readonly HTTPHeader[]) => Promise<unknown>,
): Promise<void> {
  const url = httpUrl(action, target);
  const headers = action.httpHeaders ?? [];
  try {
    await get(url, headers);
  } catch (error) {
    if (url.protocol !== 'https:' || !speaksNoTls.test((error as Error).message)) throw error;
    const address = `${url.hostname}:${url.port || 443}`;
    const open = headers.filter(({ name }) => name.toLowerCase() !== 'authorization');
    await get(new URL(`http://${address}${url.pathname}${url.search}`), open);
    target.onFallback?.(address);
  }
}

const speaksNoTls = /wrong version number|packet length too long|http request/i;
