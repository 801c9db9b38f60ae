/** Rows of nodes that changed, in order: who keeps something counted over nodes reads on from where it was. */
export class ChangeLog {
  readonly #rows: Int32Array;
  #end = 0;

  constructor(size = 8192) {
    this.#rows = new Int32Array(size);
  }

  /** A place to read on from. */
  get end(): number {
    return this.#end;
  }

  add(row: number): void {
    this.#rows[this.#end % this.#rows.length] = row;
    this.#end++;
  }

  /** Calls back for each row changed since; false when that was too long ago to tell. */
  since(place: number, each: (row: number) => void): boolean {
    const size = this.#rows.length;
    if (this.#end - place > size) return false;
    let last = -1;
    for (let at = place; at < this.#end; at++) {
      const row = this.#rows[at % size]!;
      if (row !== last) each(row);
      last = row;
    }
    return true;
  }
}
