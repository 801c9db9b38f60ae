// The sandbox of one pod: made, made anew, and what a failed attempt left taken away.
import { mkdir } from 'node:fs/promises';
import type { Pod } from '../../../generated/core-v1.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import type { SandboxConfig, SandboxStatus, UserNamespace } from '../runtime/runtime.ts';
import { podDns } from './dns-config.ts';
import { graceOf } from './grace.ts';
import { killPodContainers } from './kill-containers.ts';
import type { PodServices } from './pod-services.ts';

/** The network comes within moments of the agent's start. */
const networkRetryMs = 100;
const firstRetryMs = 1_000;
const lastRetryMs = 20_000;

export class PodSandbox {
  readonly #services: PodServices;
  #retryMs = firstRetryMs;
  #saidNoNetwork = false;

  constructor(services: PodServices) {
    this.#services = services;
  }

  /** How long to wait after anything of the sandbox went wrong. */
  get retryMs(): number {
    return this.#retryMs;
  }

  /** A running sandbox in place of those there were, or in how many milliseconds to try again. */
  async create(pod: Pod, config: SandboxConfig): Promise<SandboxStatus | { readonly retryInMs: number }> {
    const { runtime, tracker, events, cgroups, runtimeHandler } = this.#services;
    if (!pod.spec.hostNetwork && !(await this.#hasNetwork(pod))) return { retryInMs: networkRetryMs };
    const before = tracker.stateOf(pod.metadata.uid!).sandboxes;
    if (before.length > 0) {
      events.pod(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
      await killPodContainers(this.#services, { pod, graceSeconds: graceOf(pod) });
    }
    for (const old of before) {
      await runtime.stopSandbox(old.id);
      await tracker.refreshSandbox(old.id);
    }
    for (const text of podDns(pod, this.#services.dns()).warnings) events.pod(pod, 'Warning', 'DNSConfigForming', text);
    try {
      if (!this.#services.isSimulated) await mkdir(config.logDirectory, { recursive: true, mode: 0o755 });
      await cgroups.ensurePod(pod);
      const { runtimeClassName } = pod.spec;
      const handler = runtimeClassName ? await runtimeHandler(runtimeClassName) : '';
      const id = await runtime.runSandbox(config, handler);
      this.#retryMs = firstRetryMs;
      for (const old of before.slice(1)) void runtime.removeSandbox(old.id).catch(() => undefined);
      return (await tracker.refreshSandbox(id)) ?? { retryInMs: this.#retryMs };
    } catch (error) {
      const text = `Failed to create pod sandbox: ${rpcErrorText(error)}`;
      events.pod(pod, 'Warning', 'FailedCreatePodSandBox', text);
      await this.#removeFailed(pod, before);
      const retryInMs = this.#retryMs;
      this.#retryMs = Math.min(lastRetryMs, this.#retryMs * 2);
      return { retryInMs };
    }
  }

  /** The pod's own users, undefined where it has the node's; or in how many milliseconds to try again. */
  async users(pod: Pod): Promise<{ readonly users: UserNamespace | undefined } | { readonly retryInMs: number }> {
    try {
      return { users: await this.#services.users?.of(pod) };
    } catch (error) {
      const text = `Failed to create pod sandbox: ${(error as Error).message}`;
      this.#services.events.pod(pod, 'Warning', 'FailedCreatePodSandBox', text);
      return { retryInMs: lastRetryMs };
    }
  }

  async #hasNetwork(pod: Pod): Promise<boolean> {
    const problem = await this.#services.networkProblem();
    if (problem === undefined) return true;
    if (!this.#saidNoNetwork)
      this.#services.events.pod(pod, 'Warning', 'NetworkNotReady', `network is not ready: ${problem}`);
    this.#saidNoNetwork = true;
    return false;
  }

  /** A failed attempt may leave a sandbox that keeps the name of the next one. */
  async #removeFailed(pod: Pod, before: readonly SandboxStatus[]): Promise<void> {
    const { runtime, tracker, log } = this.#services;
    try {
      await tracker.relist();
      for (const { id } of tracker.stateOf(pod.metadata.uid!).sandboxes) {
        if (before.some((old) => old.id === id)) continue;
        await runtime.stopSandbox(id);
        await runtime.removeSandbox(id);
        tracker.forgetSandbox(id);
      }
    } catch (error) {
      log.warn('a failed sandbox was not removed', { pod: pod.metadata.name, error: String(error) });
    }
  }
}
