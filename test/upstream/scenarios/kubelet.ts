// Plays the kubelet of every node: writes pod statuses and finishes deletions.
import { mergePatch } from './api.ts';
import { matches, valueAt } from './paths.ts';
import { type PodStatusWish, podStatus } from './pod-status.ts';
import type { Json } from './scenario.ts';
import type { Stage } from './stage.ts';

/** What is done to pods by itself, at every look; the strings are selectors. */
interface Automatic {
  readonly ready?: string;
  readonly succeed?: string;
  readonly reap?: boolean;
}

export class KubeletPart {
  readonly #stage: Stage;
  #automatic: Automatic = {};
  #addresses = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
    stage.tick = () => this.#tick();
  }

  async automate({ ready, succeed, reap }: Automatic): Promise<void> {
    this.#automatic = {
      ...(ready !== undefined && { ready }),
      ...(succeed !== undefined && { succeed }),
      ...(reap && { reap }),
    };
    await this.#tick();
  }

  /** Waits until there are as many pods as the step says, then does to them what it says. */
  async step(step: Json): Promise<void> {
    const wanted = step.count ?? step.names?.length ?? 1;
    let picked: Json[] = [];
    const areThere = async () => {
      const pods = await this.#stage.pods(step.pods, step.namespace);
      const fitting = pods.filter((pod) => isMeant(pod, step));
      picked = step.count === undefined || step.from ? fitting : fitting.slice(0, step.count);
      return fitting.length >= wanted;
    };
    await this.#stage.until(areThere, () => `${wanted} pods of ${step.pods ?? step.names} to be ${step.set}`);
    for (const pod of picked) await (step.set === 'reaped' ? this.#reap(pod) : this.#play(pod, step));
  }

  async #tick(): Promise<void> {
    const { ready, succeed, reap } = this.#automatic;
    if (reap) {
      for (const pod of await this.#stage.pods()) {
        if (pod.metadata.deletionTimestamp && pod.spec.nodeName) await this.#reap(pod);
      }
    }
    if (ready !== undefined) await this.#bring(ready, 'ready');
    if (succeed !== undefined) await this.#bring(succeed, 'succeeded');
  }

  async #bring(selector: string, set: 'ready' | 'succeeded'): Promise<void> {
    for (const pod of await this.#stage.pods(selector)) {
      const isOver = pod.metadata.deletionTimestamp || ['Succeeded', 'Failed'].includes(pod.status.phase);
      const isReady = valueAt(pod, 'status.conditions[type=Ready].status') === 'True';
      if (isOver || !pod.spec.nodeName || (set === 'ready' && isReady)) continue;
      await this.#play(pod, { set });
    }
  }

  async #play(pod: Json, wish: PodStatusWish): Promise<void> {
    const address = pod.status.podIP ?? `192.0.2.${++this.#addresses}`;
    const status = podStatus(pod, wish, address);
    const { code, body } = await this.#stage.api.request('PATCH', `${pathOf(pod)}/status`, { status }, mergePatch);
    const hasGone = code === 404 || code === 409;
    if (code >= 300 && !hasGone) throw new Error(`pod status: ${code} ${body.message}`);
  }

  async #reap(pod: Json): Promise<void> {
    const options = { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } };
    await this.#stage.api.request('DELETE', pathOf(pod), options);
  }
}

function isMeant(pod: Json, { names, set, deleting, where }: Json): boolean {
  if (names && !names.includes(pod.metadata.name)) return false;
  if (set === 'reaped') return pod.metadata.deletionTimestamp !== undefined;
  if (pod.metadata.deletionTimestamp && !deleting) return false;
  return matches(pod, where);
}

const pathOf = ({ metadata }: Json) => `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
