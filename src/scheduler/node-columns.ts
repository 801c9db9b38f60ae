// Numbers about nodes, a column each: one typed array per resource, indexed by the node's row. Whoever goes over thousands
// of nodes reads these and no objects. Columns grow together; read them through the object, never keep one.

/** The column of how many pods a node has and may have. */
export const podsColumn = 'pods';

export class ResourceColumns {
  readonly #indexOf = new Map<string, number>();
  /** By column, then row: what the node offers. CPU in thousandths, everything else in whole units. */
  readonly allocatable: Float64Array[] = [];
  /** What its pods ask for. */
  readonly requested: Float64Array[] = [];
  /** What scoring counts of CPU: pods that ask for nothing count a little. */
  scoringCpu: Float64Array;
  scoringMemory: Float64Array;
  #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.scoringCpu = new Float64Array(capacity);
    this.scoringMemory = new Float64Array(capacity);
    for (const name of ['cpu', 'memory', podsColumn]) this.column(name);
  }

  /** The place of a resource; made when it is new. */
  column(name: string): number {
    let index = this.#indexOf.get(name);
    if (index === undefined) {
      index = this.allocatable.length;
      this.#indexOf.set(name, index);
      this.allocatable.push(new Float64Array(this.#capacity));
      this.requested.push(new Float64Array(this.#capacity));
    }
    return index;
  }

  grow(capacity: number): void {
    this.#capacity = capacity;
    for (const columns of [this.allocatable, this.requested]) {
      columns.forEach((column, index) => {
        columns[index] = grown(column, capacity);
      });
    }
    this.scoringCpu = grown(this.scoringCpu, capacity);
    this.scoringMemory = grown(this.scoringMemory, capacity);
  }

  clear(row: number): void {
    for (const column of this.allocatable) column[row] = 0;
    for (const column of this.requested) column[row] = 0;
    this.scoringCpu[row] = 0;
    this.scoringMemory[row] = 0;
  }
}

type Column = Float64Array | Float32Array | Int32Array | Uint32Array | Uint16Array;

/** A longer copy; what is new is 0, or `fill`. */
export function grown<T extends Column>(column: T, capacity: number, fill = 0): T {
  const longer = new (column.constructor as new (length: number) => T)(capacity);
  longer.set(column as never);
  if (fill !== 0) longer.fill(fill, column.length);
  return longer;
}
