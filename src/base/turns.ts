// Long work goes in slices, and of all who wait for their next slice one gets each turn of the event loop: between two
// slices everything else that has come in is served, however many long answers are under way.
const waiting: (() => void)[] = [];

/** Settles at the start of a turn of the event loop that is nobody else's. */
export function ownTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(giveTurn);
  });
}

/** How long work may keep the event loop from everyone else. */
const sliceMs = 4;

/** Work that is cut into slices. Ask `isDue` now and then, and go on after `pause` when it is. */
export class Slices {
  readonly #now: () => number;
  #start: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#start = now();
  }

  get isDue(): boolean {
    return this.#now() - this.#start >= sliceMs;
  }

  async pause(): Promise<void> {
    await ownTurn();
    this.#start = this.#now();
  }
}

function giveTurn(): void {
  waiting.shift()!();
  if (waiting.length > 0) setImmediate(giveTurn);
}
