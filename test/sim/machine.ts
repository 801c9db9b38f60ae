// The machine below a simulated node: its containers go on when the node's agent dies, and end when it loses power.

import { podNameLabel, podNamespaceLabel, podUidLabel } from '../../src/kubelet/pods/labels.ts';
import {
  createSimulatedRuntime,
  type SimulatedRuntime,
  type SimulatedRuntimeOptions,
} from '../../src/kubelet/runtime/simulated/simulated-runtime.ts';
import type { VirtualClock } from '../../src/testing/virtual-clock.ts';

export interface RunningContainer {
  readonly id: string;
  readonly pod: string;
  readonly uid: string;
}

export class Machine {
  readonly name: string;
  readonly #clock: VirtualClock;
  readonly #peers: () => readonly Machine[];
  #options: SimulatedRuntimeOptions | undefined;
  #runtime: SimulatedRuntime | undefined;
  /** Two pods of one name that ran at once, on two machines. */
  readonly doubles: { readonly pod: string; readonly uids: readonly [older: string, newer: string] }[] = [];

  constructor(name: string, clock: VirtualClock, peers: () => readonly Machine[]) {
    this.name = name;
    this.#clock = clock;
    this.#peers = peers;
  }

  /** The runtime that is there already, listening to the agent that asks now. */
  runtime(options: SimulatedRuntimeOptions): SimulatedRuntime {
    this.#options = options;
    // The machine outlives its agent, through which addresses would be asked for: it counts its own.
    const { addresses: _, ...kept } = options;
    this.#runtime ??= this.#watched(
      createSimulatedRuntime({
        ...kept,
        clock: this.#clock,
        life: (config, sandbox) => this.#options?.life?.(config, sandbox) ?? {},
      }),
    );
    return this.#runtime;
  }

  powerOff(): void {
    this.#runtime = undefined;
  }

  async running(): Promise<RunningContainer[]> {
    const all = (await this.#runtime?.listContainers()) ?? [];
    return all.filter(({ state }) => state === 'CONTAINER_RUNNING').map(({ id, labels }) => described(id, labels));
  }

  crash(id: string, exitCode: number): void {
    this.#runtime?.crash(id, exitCode);
  }

  #watched(runtime: SimulatedRuntime): SimulatedRuntime {
    return {
      ...runtime,
      startContainer: async (id) => {
        await runtime.startContainer(id);
        const status = await runtime.containerStatus(id);
        if (!status || this.#runtime === undefined) return;
        const mine = described(id, status.labels);
        for (const peer of this.#peers()) {
          for (const other of await peer.running())
            if (other.pod === mine.pod && other.uid !== mine.uid)
              this.doubles.push({ pod: mine.pod, uids: [other.uid, mine.uid] });
        }
      },
    };
  }
}

function described(id: string, labels: Readonly<Record<string, string>>): RunningContainer {
  return { id, pod: `${labels[podNamespaceLabel]}/${labels[podNameLabel]}`, uid: labels[podUidLabel] ?? '' };
}
