// One request's way through a priority level.
import type { Clock } from '../../base/clock.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { RequestInfo } from '../request-info.ts';

export type RefusalReason = 'concurrency-limit' | 'queue-full' | 'time-out' | 'cancelled';

/** What a request takes: `initial` seats while it runs, then `final` seats for `extraMs`. */
export interface WorkEstimate {
  readonly initialSeats: number;
  readonly finalSeats: number;
  readonly extraMs: number;
}

export interface TicketInit {
  readonly info: RequestInfo;
  readonly user: UserInfo;
  readonly schema: string;
  readonly distinguisher: string;
  readonly work: WorkEstimate;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  /** How long it may wait. */
  readonly patienceMs: number;
  readonly observer: TicketObserver;
}

/** Told once each, for the figures. */
export interface TicketObserver {
  queued(ticket: Ticket): void;
  started(ticket: Ticket, waitSeconds: number): void;
  finished(ticket: Ticket, seconds: number): void;
  refused(ticket: Ticket, reason: RefusalReason, waitSeconds: number): void;
}

/** What a request needs to know of the level it is at. */
export interface TicketLevel {
  readonly name: string;
  readonly settings: { readonly isExempt: boolean };
  finish(ticket: Ticket): void;
}

export class Queue {
  readonly index: number;
  readonly waiting: Ticket[] = [];
  readonly executing = new Set<Ticket>();
  /** When its next request starts, in virtual time. */
  nextStart = 0;
  waitingSeats = 0;
  executingSeats = 0;

  constructor(index: number) {
    this.index = index;
  }
}

export class Ticket implements Disposable {
  readonly level: TicketLevel;
  readonly init: TicketInit;
  /** As many as either phase needs. */
  readonly seats: number;
  readonly finalSeats: number;
  readonly extraMs: number;
  queue: Queue | undefined;
  startedMs = 0;
  hasWaited = false;
  #state: 'new' | 'waiting' | 'executing' | 'refused' | 'over' = 'new';
  #decided: PromiseWithResolvers<boolean> | undefined;
  #endWait: (() => void) | undefined;

  constructor(level: TicketLevel, init: TicketInit) {
    const { initialSeats, finalSeats, extraMs } = init.work;
    this.level = level;
    this.init = init;
    this.seats = Math.max(initialSeats, finalSeats);
    this.finalSeats = finalSeats;
    this.extraMs = extraMs;
  }

  get arrivedMs(): number {
    return this.init.nowMs;
  }

  get isWaiting(): boolean {
    return this.#state === 'waiting';
  }

  /** Whether the request may run; a promise while it waits. */
  get isAdmitted(): boolean | Promise<boolean> {
    if (this.#state === 'waiting') return this.#decided!.promise;
    return this.#state !== 'refused';
  }

  wait(clock: Clock, leave: (reason: 'time-out' | 'cancelled') => void): void {
    this.#state = 'waiting';
    this.hasWaited = true;
    this.#decided = Promise.withResolvers();
    this.init.observer.queued(this);
    const { signal, patienceMs } = this.init;
    const timer = clock.timer(patienceMs, () => leave('time-out'));
    const cancel = () => leave('cancelled');
    signal.addEventListener('abort', cancel, { once: true });
    this.#endWait = () => {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', cancel);
    };
  }

  start(nowMs: number): void {
    this.startedMs = nowMs;
    this.#decide('executing');
    this.init.observer.started(this, (nowMs - this.arrivedMs) / 1000);
  }

  refuse(reason: RefusalReason, nowMs: number): void {
    this.#decide('refused');
    this.init.observer.refused(this, reason, (nowMs - this.arrivedMs) / 1000);
  }

  #decide(state: 'executing' | 'refused'): void {
    this.#state = state;
    this.#endWait?.();
    this.#endWait = undefined;
    this.#decided?.resolve(state === 'executing');
  }

  onFinished(seconds: number): void {
    this.init.observer.finished(this, seconds);
  }

  /** Gives the seats back; harmless when there are none. */
  [Symbol.dispose](): void {
    if (this.#state !== 'executing') return;
    this.#state = 'over';
    this.level.finish(this);
  }
}
