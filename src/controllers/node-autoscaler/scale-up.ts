// How many nodes of which group the waiting pods need. Asks a trial, and leaves it as it was.
import type { DaemonSet } from '../../../generated/apps-v1.ts';
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { keyOf } from '../../api/meta/object.ts';
import { allocatableOf, requestsOf } from './pods.ts';
import type { NodeGroup } from './provider.ts';
import type { Trial } from './trial.ts';

/** A group that would help, and how much. */
export interface Option {
  readonly group: NodeGroup;
  readonly count: number;
  /** Those that would find a place. */
  readonly pods: readonly Pod[];
  /** Parts of CPU and memory of the new nodes that nobody would ask for; less is better. */
  readonly waste: number;
}

export interface ScaleUpPlan {
  readonly options: readonly Option[];
  /** For each pod, why each group would not help. */
  readonly refusals: ReadonlyMap<string, readonly string[]>;
}

export interface ScaleUpInput {
  readonly groups: readonly NodeGroup[];
  readonly pods: readonly Pod[];
  readonly daemonSets: readonly DaemonSet[];
  /** Why a group is not to be asked now. */
  readonly skipped: (group: NodeGroup) => string | undefined;
}

export const maxSizeReached = 'max node group size reached';
export const inBackoff = 'in backoff after failed scale-up';

export function planScaleUp(trial: Trial, { groups, pods, daemonSets, skipped }: ScaleUpInput): ScaleUpPlan {
  const refusals = new Map<string, string[]>();
  const refuse = (pod: Pod, reasons: readonly string[]) => {
    const key = keyOf(pod);
    refusals.set(key, [...(refusals.get(key) ?? []), ...reasons]);
  };
  const options: Option[] = [];
  for (const group of groups) {
    const reason = group.target() >= group.max ? maxSizeReached : skipped(group);
    if (reason) {
      for (const pod of pods) refuse(pod, [reason]);
      continue;
    }
    const option = new Estimate(trial, group, daemonSets).run(pods, refuse);
    if (option) options.push(option);
  }
  return { options, refusals };
}

class Estimate {
  readonly #trial: Trial;
  readonly #group: NodeGroup;
  readonly #daemonSets: readonly DaemonSet[];
  readonly #opened: string[] = [];
  readonly #placed: string[] = [];

  constructor(trial: Trial, group: NodeGroup, daemonSets: readonly DaemonSet[]) {
    this.#trial = trial;
    this.#group = group;
    this.#daemonSets = daemonSets;
  }

  run(pods: readonly Pod[], refuse: (pod: Pod, reasons: readonly string[]) => void): Option | undefined {
    const trial = this.#trial;
    const room = this.#group.max - this.#group.target();
    const empty = this.#open();
    const fitting = pods.filter((pod) => {
      const reasons = trial.refusals(pod, empty);
      if (reasons.length > 0) refuse(pod, reasons);
      return reasons.length === 0;
    });
    const taken = fitting.sort(bySize).filter((pod) => this.#takesIn(pod, room));
    // The first node was opened to ask; without pods it is not needed.
    const count = taken.length > 0 ? this.#opened.length : 0;
    const waste = wasteOf(this.#group.template(), count, taken);
    this.#undo();
    return count > 0 ? { group: this.#group, count, pods: taken, waste } : undefined;
  }

  #takesIn(pod: Pod, room: number): boolean {
    const found = this.#opened.findLast((name) => this.#trial.refusals(pod, name).length === 0);
    if (found) return this.#place(pod, found);
    if (this.#opened.length >= room) return false;
    const name = this.#open();
    if (this.#trial.refusals(pod, name).length === 0) return this.#place(pod, name);
    this.#close();
    return false;
  }

  #place(pod: Pod, name: string): true {
    this.#trial.place(pod, name);
    this.#placed.push(keyOf(pod));
    return true;
  }

  #open(): string {
    const name = `${this.#group.name}-new-${this.#opened.length}`;
    this.#trial.setNode(renamed(this.#group.template(), name));
    this.#opened.push(name);
    for (const daemonSet of this.#daemonSets) {
      const pod = daemonPod(daemonSet, name);
      if (this.#trial.refusals(pod, name).length === 0) this.#place(pod, name);
    }
    return name;
  }

  #close(): void {
    const name = this.#opened.pop()!;
    for (const daemonSet of this.#daemonSets) this.#trial.remove(keyOf(daemonPod(daemonSet, name)));
    this.#trial.removeNode(name);
  }

  #undo(): void {
    for (const key of this.#placed) this.#trial.remove(key);
    for (const name of this.#opened) this.#trial.removeNode(name);
  }
}

/** A node of the group under a name of its own. */
export function renamed(template: Node, name: string): Node {
  const labels = { ...template.metadata.labels, 'kubernetes.io/hostname': name };
  return { ...template, metadata: { ...template.metadata, name, labels } };
}

function daemonPod({ metadata, spec }: DaemonSet, nodeName: string): Pod {
  return {
    metadata: {
      name: `${metadata.name}-${nodeName}`,
      namespace: metadata.namespace!,
      uid: `${metadata.uid}-${nodeName}`,
      labels: spec.template.metadata?.labels ?? {},
    },
    spec: { ...spec.template.spec! },
  } as Pod;
}

const bySize = (a: Pod, b: Pod) => {
  const [one, other] = [requestsOf(a), requestsOf(b)];
  return other.cpuMillis - one.cpuMillis || other.memoryBytes - one.memoryBytes;
};

function wasteOf(template: Node, count: number, pods: readonly Pod[]): number {
  const each = allocatableOf(template);
  let [cpu, memory] = [0, 0];
  for (const pod of pods) {
    cpu += requestsOf(pod).cpuMillis;
    memory += requestsOf(pod).memoryBytes;
  }
  const part = (used: number, all: number) => (all > 0 ? Math.max(0, all - used) / all : 0);
  return part(cpu, count * each.cpuMillis) + part(memory, count * each.memoryBytes);
}

/** `1 Insufficient cpu, 2 max node group size reached` */
export function describeRefusals(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
}
