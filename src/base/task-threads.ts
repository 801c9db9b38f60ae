// Work that would keep everyone waiting, done in threads of its own. A thread serves one task after the other, at low
// priority and with a limit of time and of memory, and ends when there has been nothing to do for a while.
import { Worker } from 'node:worker_threads';

export interface TaskThreadsOptions {
  readonly url: URL;
  readonly name: string;
  readonly maxThreads: number;
  readonly maxWaiting: number;
  /** For one task. */
  readonly maxMs: number;
  readonly memoryMb: number;
  readonly idleMs: number;
}

/** Too many tasks at once: try again later. */
export class TasksBusyError extends Error {
  override readonly name = 'TasksBusyError';
}

/** The thread ended under its task, which took too much time or memory. */
export class TaskFailedError extends Error {
  override readonly name = 'TaskFailedError';
}

interface Pending<Task, Result> {
  readonly task: Task;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

export class TaskThreads<Task, Result> {
  readonly #options: TaskThreadsOptions;
  readonly #waiting: Pending<Task, Result>[] = [];
  readonly #idle: TaskThread<Task, Result>[] = [];
  #count = 0;

  constructor(options: TaskThreadsOptions) {
    this.#options = options;
  }

  /** @throws TasksBusyError, TaskFailedError */
  run(task: Task): Promise<Result> {
    return new Promise((resolve, reject) => {
      const pending = { task, resolve, reject };
      const thread = this.#idle.pop() ?? this.#grow();
      if (thread) thread.start(pending);
      else if (this.#waiting.length < this.#options.maxWaiting) this.#waiting.push(pending);
      else reject(new TasksBusyError('too many large bodies at once'));
    });
  }

  #grow(): TaskThread<Task, Result> | undefined {
    if (this.#count >= this.#options.maxThreads) return undefined;
    this.#count++;
    const thread: TaskThread<Task, Result> = new TaskThread(this.#options, {
      next: () => this.#waiting.shift(),
      isIdle: () => this.#idle.push(thread),
      hasEnded: () => {
        this.#count--;
        const at = this.#idle.indexOf(thread);
        if (at >= 0) this.#idle.splice(at, 1);
        const pending = this.#waiting.shift();
        if (pending) this.#grow()!.start(pending);
      },
    });
    return thread;
  }
}

interface Owner<Task, Result> {
  next(): Pending<Task, Result> | undefined;
  isIdle(): void;
  hasEnded(): void;
}

class TaskThread<Task, Result> {
  readonly #worker: Worker;
  readonly #options: TaskThreadsOptions;
  readonly #owner: Owner<Task, Result>;
  #current: Pending<Task, Result> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;

  constructor(options: TaskThreadsOptions, owner: Owner<Task, Result>) {
    const { url, name, memoryMb } = options;
    this.#options = options;
    this.#owner = owner;
    this.#worker = new Worker(url, {
      name,
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 16 },
    });
    this.#worker.on('message', (result: Result) => this.#finish(result));
    // Out of memory, or a failure of the code there: either is the task's doing, and ends with its thread.
    this.#worker.on('error', () => this.#end('takes too much memory'));
    this.#worker.on('exit', () => this.#end('was given up'));
  }

  start(pending: Pending<Task, Result>): void {
    clearTimeout(this.#timer);
    this.#current = pending;
    this.#worker.ref();
    this.#timer = setTimeout(() => this.#end('takes too long'), this.#options.maxMs);
    this.#worker.postMessage(pending.task);
  }

  #finish(result: Result): void {
    clearTimeout(this.#timer);
    this.#current?.resolve(result);
    this.#current = undefined;
    const next = this.#owner.next();
    if (next) {
      this.start(next);
      return;
    }
    // A process that has nothing else to do may end.
    this.#worker.unref();
    this.#timer = setTimeout(() => this.#end('was given up'), this.#options.idleMs).unref();
    this.#owner.isIdle();
  }

  #end(problem: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#current?.reject(new TaskFailedError(problem));
    this.#current = undefined;
    void this.#worker.terminate();
    this.#owner.hasEnded();
  }
}
