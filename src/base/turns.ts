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

/** Work that others may come in between: wherever it yields. */
export type Steps<T> = Generator<void, T, void>;

/** All of it in one piece. */
export function inOnePiece<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** A promise only when it took more than one slice: what is done at once is waited for by nobody. */
export function inSlices<T>(steps: Steps<T>, slices: Slices | undefined): T | Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (slices?.isDue) return later(steps, slices);
  }
}

async function later<T>(steps: Steps<T>, slices: Slices): Promise<T> {
  for (;;) {
    if (slices.isDue) await slices.pause();
    const { done, value } = steps.next();
    if (done) return value;
  }
}

function giveTurn(): void {
  waiting.shift()!();
  if (waiting.length > 0) setImmediate(giveTurn);
}

/** What newcomers may take of one turn together. */
const turnMs = 4;
/** How many of those who wait for room are asked in one turn. */
const atOnce = 16;
const queue: (() => void)[] = [];
let asked = 0;
let turnStart: number | undefined;
let nowMs = () => performance.now();

/**
 * Whose time turns are measured by, in all of this process. By one that a test moves no turn is ever full: what is done in
 * which turn then does not depend on the machine.
 */
export function measureTurnsBy(monotonicMs: () => number): void {
  nowMs = monotonicMs;
}

/**
 * For work that comes in from outside, however much at once: undefined while this turn of the event loop has room for it,
 * else settles in one that has. First come, first served.
 */
export function room(): Promise<void> | undefined {
  if (queue.length === 0 && hasRoom()) return undefined;
  return new Promise((resolve) => {
    queue.push(resolve);
    askNext();
  });
}

function hasRoom(): boolean {
  const now = nowMs();
  if (turnStart !== undefined) return now - turnStart < turnMs;
  turnStart = now;
  setImmediate(endTurn);
  return true;
}

function endTurn(): void {
  turnStart = undefined;
}

function askNext(): void {
  if (asked >= atOnce || asked >= queue.length) return;
  asked++;
  // Each of them in a callback of its own: what it goes on to do is done before the next one is asked.
  setImmediate(letIn);
}

function letIn(): void {
  asked--;
  if (hasRoom()) queue.shift()!();
  askNext();
}
