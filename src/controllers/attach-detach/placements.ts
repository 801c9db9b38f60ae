/** What is known of a disk at a node beside what the caches show: they may be behind what was just done. */
export interface Placement {
  /** The node has it, or may have it. */
  isThere: boolean;
  /** Since when no pod of the node uses it, on the monotonic clock. */
  unwantedSinceMs?: number | undefined;
  /** What pods were told of it; each is told once. */
  readonly told: Set<string>;
}

export class Placements {
  readonly #byDisk = new Map<string, Map<string, Placement>>();
  readonly #byNode = new Map<string, Set<string>>();

  of(disk: string, nodeName: string): Placement {
    const known = this.#byDisk.get(disk)?.get(nodeName);
    if (known) return known;
    const placement: Placement = { isThere: false, told: new Set() };
    this.#byDisk.set(disk, (this.#byDisk.get(disk) ?? new Map()).set(nodeName, placement));
    this.#byNode.set(nodeName, (this.#byNode.get(nodeName) ?? new Set()).add(disk));
    return placement;
  }

  nodesWith(disk: string): string[] {
    return [...(this.#byDisk.get(disk) ?? [])].filter(([, { isThere }]) => isThere).map(([nodeName]) => nodeName);
  }

  disksOn(nodeName: string): readonly string[] {
    return [...(this.#byNode.get(nodeName) ?? [])];
  }

  /** Forgets nodes that neither have the disk nor are to have it. */
  prune(disk: string, isOfUse: (nodeName: string) => boolean): void {
    const nodes = this.#byDisk.get(disk);
    for (const [nodeName, { isThere }] of nodes ?? []) {
      if (isThere || isOfUse(nodeName)) continue;
      nodes!.delete(nodeName);
      this.#byNode.get(nodeName)?.delete(disk);
      if (this.#byNode.get(nodeName)?.size === 0) this.#byNode.delete(nodeName);
    }
    if (nodes?.size === 0) this.#byDisk.delete(disk);
  }
}
