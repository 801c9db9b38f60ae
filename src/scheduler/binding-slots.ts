/** Work under way beside the loop, with a bound. */
export interface BindingSlots {
  readonly isFull: boolean;
  readonly busy: number;
  track(work: Promise<unknown>): void;
  /** Settles when the next piece of work has ended. */
  oneFree(): Promise<void>;
  allFree(): Promise<void>;
}

export function createSlots(size: number): BindingSlots {
  let busy = 0;
  let waiters: (() => void)[] = [];
  const free = () => {
    busy--;
    const woken = waiters;
    waiters = [];
    for (const wake of woken) wake();
  };
  const oneFree = () => (busy === 0 ? Promise.resolve() : new Promise<void>((resolve) => waiters.push(resolve)));
  return {
    get busy() {
      return busy;
    },
    get isFull() {
      return busy >= size;
    },
    track(work) {
      busy++;
      work.then(free, free);
    },
    oneFree,
    async allFree() {
      while (busy > 0) await oneFree();
    },
  };
}
