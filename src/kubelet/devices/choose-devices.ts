// Which devices a container gets: those its init containers are done with, those the plugin prefers, then any.

export interface DeviceChoice {
  readonly available: ReadonlySet<string>;
  readonly reusable: ReadonlySet<string>;
  /** In the plugin's order; empty when it has no wish. */
  readonly preferred: readonly string[];
  readonly count: number;
}

/** As many as are wanted, or fewer when there are not so many. */
export function chooseDevices({ available, reusable, preferred, count }: DeviceChoice): Set<string> {
  const chosen = new Set<string>();
  const wished = preferred.filter((id) => available.has(id));
  for (const id of [...reusable, ...wished, ...available]) {
    if (chosen.size >= count) break;
    chosen.add(id);
  }
  return chosen;
}
