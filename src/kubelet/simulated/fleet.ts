// Which nodes are simulated here: those that were asked for at the start, and those that join later as Node objects.
import type { Node } from '../../../generated/core-v1.ts';
import { millisOf } from '../../api/meta/quantity.ts';
import type { LeaseHolder } from '../node/lease.ts';
import type { Machine } from '../node/node-facts.ts';

/** A node with this annotation, `fake`, that somebody makes is brought to life like our own; kwok's name for the same. */
export const fakeNodeAnnotation = 'kwok.x-k8s.io/node';

export interface NodeFace {
  readonly name: string;
  readonly address: string;
  readonly machine: Machine;
  readonly maxPods: number;
}

export class Fleet {
  readonly #faces = new Map<string, NodeFace>();
  readonly #holders = new Map<string, LeaseHolder>();
  /** The object as we have left it, by its version. */
  readonly #written = new Map<string, string>();
  readonly #touched = new Set<string>();
  #next = 0;

  add(name: string, machine: Machine, maxPods: number): NodeFace {
    const index = this.#next++;
    const address = `10.${128 + ((index >> 16) & 127)}.${(index >> 8) & 255}.${index & 255}`;
    const face: NodeFace = { name, address, machine, maxPods };
    this.#faces.set(name, face);
    return face;
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
    if (this.#written.get(metadata.name) !== metadata.resourceVersion) this.#touched.add(metadata.name);
  }

  /** Those that others have written since this was asked last. */
  takeTouched(): NodeFace[] {
    const faces = [...this.#touched].flatMap((name) => this.#faces.get(name) ?? []);
    this.#touched.clear();
    return faces;
  }

  remove(name: string): void {
    this.#faces.delete(name);
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
