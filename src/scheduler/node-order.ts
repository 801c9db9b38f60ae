const region = 'topology.kubernetes.io/region';
const zone = 'topology.kubernetes.io/zone';

interface Placed {
  readonly name: string;
  readonly row: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** One text for each zone. */
export const zoneOf = (labels: Placed['labels']) => `${labels[region] ?? ''}\n${labels[zone] ?? ''}`;

/** Rows of the nodes, one of each zone in turns; within a zone by name. */
export function interleaved(nodes: readonly Placed[]): Int32Array {
  const zones = new Map<string, Placed[]>();
  for (const node of [...nodes].sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const name = zoneOf(node.labels);
    const there = zones.get(name);
    if (there) there.push(node);
    else zones.set(name, [node]);
  }
  const order = new Int32Array(nodes.length);
  const lists = [...zones.values()];
  for (let turn = 0, at = 0; at < order.length; turn++) {
    for (const list of lists) {
      const node = list[turn];
      if (node) order[at++] = node.row;
    }
  }
  return order;
}
