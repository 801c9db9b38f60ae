// Which nodes are simulated here: those that were asked for at the start, and those that join later as Node objects.
import { isDeepStrictEqual } from 'node:util';
import type { Node } from '../../../generated/core-v1.ts';
import { millisOf } from '../../api/meta/quantity.ts';
import type { NodeRule } from '../../api/simulation/program.ts';
import type { LeaseHolder } from '../node/lease.ts';
import type { Machine } from '../node/node-facts.ts';

/** A node with this annotation, `fake`, that somebody makes is brought to life like our own; kwok's name for the same. */
export const fakeNodeAnnotation = 'kwok.x-k8s.io/node';

export interface NodeFace {
  readonly name: string;
  readonly address: string;
  readonly machine: Machine;
  readonly maxPods: number;
  /** Beside those that all nodes have. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A node as it is without rules, and where it stands among the others. */
interface Plain {
  readonly index: number;
  readonly machine: Machine;
  readonly maxPods: number;
}

export class Fleet {
  readonly #faces = new Map<string, NodeFace>();
  readonly #holders = new Map<string, LeaseHolder>();
  /** The object as we have left it, by its version. */
  readonly #written = new Map<string, string>();
  /** By name, the version that others have left; empty where our own rules have changed. */
  readonly #touched = new Map<string, string>();
  readonly #plain = new Map<string, Plain>();
  #rules: readonly NodeRule[] = [];
  #next = 0;

  add(name: string, machine: Machine, maxPods: number): NodeFace {
    const plain: Plain = { index: this.#next++, machine, maxPods };
    this.#plain.set(name, plain);
    const face = faceOf(name, plain, this.#rules);
    this.#faces.set(name, face);
    return face;
  }

  /** All nodes are by these rules from now on; those that change are worth a look. */
  use(rules: readonly NodeRule[]): void {
    this.#rules = rules;
    for (const [name, plain] of this.#plain) {
      const face = faceOf(name, plain, rules);
      if (isDeepStrictEqual(face, this.#faces.get(name))) continue;
      this.#faces.set(name, face);
      if (this.#holders.has(name)) this.#touched.set(name, '');
    }
  }

  find(name: string): NodeFace | undefined {
    return this.#faces.get(name);
  }

  /** From now on the node's lease is renewed. */
  registered(node: Node): void {
    const { metadata } = node;
    if (!this.#faces.has(metadata.name)) return;
    this.written(node);
    this.#holders.set(metadata.name, { nodeName: metadata.name, nodeUid: metadata.uid! });
  }

  /** We have just written it ourselves. */
  written({ metadata }: Node): void {
    this.#written.set(metadata.name, metadata.resourceVersion ?? '');
  }

  /** Its object is now this one; when others have written it, it is worth a look. */
  seen({ metadata }: Pick<Node, 'metadata'>): void {
    if (!this.#holders.has(metadata.name)) return;
    const { name, resourceVersion = '' } = metadata;
    if (this.#written.get(name) !== resourceVersion) this.#touched.set(name, resourceVersion);
  }

  /** Those that others have written since this was asked last. */
  takeTouched(): NodeFace[] {
    // The event of a write of ours may be quicker than its answer.
    const foreign = [...this.#touched].filter(([name, version]) => version !== this.#written.get(name));
    this.#touched.clear();
    return foreign.flatMap(([name]) => this.#faces.get(name) ?? []);
  }

  remove(name: string): void {
    this.#faces.delete(name);
    this.#plain.delete(name);
    this.#holders.delete(name);
    this.#written.delete(name);
    this.#touched.delete(name);
  }

  get faces(): readonly NodeFace[] {
    return [...this.#faces.values()];
  }

  get holders(): readonly LeaseHolder[] {
    return [...this.#holders.values()];
  }

  get size(): number {
    return this.#faces.size;
  }
}

/** Of each thing, the first rule that fits and says it decides; labels come together. */
function faceOf(name: string, { index, machine, maxPods }: Plain, rules: readonly NodeRule[]): NodeFace {
  const fitting = rules.filter(({ match }) => match?.test(name) ?? true);
  const first = <K extends keyof NodeRule>(key: K): NodeRule[K] | undefined =>
    fitting.find((rule) => rule[key] !== undefined)?.[key];
  const zones = fitting.find((rule) => rule.zones.length > 0)?.zones ?? [];
  const region = first('region');
  return {
    name,
    address: `10.${128 + ((index >> 16) & 127)}.${(index >> 8) & 255}.${index & 255}`,
    machine: {
      ...machine,
      cpuCount: first('cpuCount') ?? machine.cpuCount,
      memoryBytes: first('memoryBytes') ?? machine.memoryBytes,
    },
    maxPods: first('maxPods') ?? maxPods,
    labels: {
      ...(zones.length > 0 ? { 'topology.kubernetes.io/zone': zones[index % zones.length]! } : {}),
      ...(region === undefined ? {} : { 'topology.kubernetes.io/region': region }),
      ...Object.assign({}, ...fitting.map(({ labels }) => labels).reverse()),
    },
  };
}

/** What a node says of itself before it lives is what it gets; the rest is as on the others. */
export function machineOf(node: Node, usual: Machine, usualPods: number): { machine: Machine; maxPods: number } {
  const capacity = node.status?.capacity ?? node.status?.allocatable ?? {};
  const read = (name: string): number | undefined => {
    const amount = millisOf(capacity[name]) / 1000;
    return amount > 0 ? amount : undefined;
  };
  return {
    machine: {
      ...usual,
      cpuCount: read('cpu') ?? usual.cpuCount,
      memoryBytes: read('memory') ?? usual.memoryBytes,
      diskBytes: read('ephemeral-storage') ?? usual.diskBytes,
    },
    maxPods: read('pods') ?? usualPods,
  };
}
