// One priority level at work: who may go at once, who waits in which queue, who is refused. Start-time fair queueing: a
// queue's virtual time grows by the seats its requests take and how long they take them; the queue furthest behind goes next.
import type { Clock } from '../../base/clock.ts';
import { SeatDemand } from './seat-demand.ts';
import { Queue, type RefusalReason, Ticket, type TicketInit } from './ticket.ts';

export interface LevelSettings {
  readonly isExempt: boolean;
  /** 0: nobody waits. */
  readonly queues: number;
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

/** How long a request is taken to last, until it has. */
const expectedSeconds = 0.003;

export class Level {
  readonly name: string;
  readonly demand: SeatDemand;
  readonly counts = { dispatched: 0, rejected: 0, timedOut: 0, cancelled: 0 };
  readonly executing = new Set<Ticket>();
  readonly queues: Queue[] = [];
  settings: LevelSettings;
  /** Seats of the moment; see borrowing. */
  limit: number;
  seatsInUse = 0;
  waiting = 0;
  waitingSeats = 0;
  readonly #clock: Clock;
  readonly #busy = new Set<Queue>();
  #virtualTime = 0;

  constructor(name: string, settings: LevelSettings, limit: number, clock: Clock) {
    this.name = name;
    this.settings = settings;
    this.limit = limit;
    this.#clock = clock;
    this.demand = new SeatDemand(clock.monotonicMs());
  }

  get isIdle(): boolean {
    return this.executing.size === 0 && this.waiting === 0 && this.seatsInUse === 0;
  }

  /** New settings hold for those who come; those who wait keep their places. */
  configure(settings: LevelSettings, limit: number): void {
    this.settings = settings;
    this.setLimit(limit);
  }

  setLimit(limit: number): void {
    const isMore = limit > this.limit;
    this.limit = limit;
    if (isMore && this.waiting > 0) this.#dispatch();
  }

  enter(init: TicketInit, hand: readonly number[] | undefined): Ticket {
    const ticket = new Ticket(this, init);
    const { isExempt, queues } = this.settings;
    const fits = isExempt || (this.waiting === 0 && this.#hasRoom(ticket.seats));
    if (!hand || queues === 0) {
      if (fits) this.#start(ticket, init.nowMs);
      else this.#refuse(ticket, 'concurrency-limit');
      return ticket;
    }
    const queue = this.#pick(hand);
    ticket.queue = queue;
    if (fits) this.#start(ticket, init.nowMs);
    else if (queue.waiting.length >= this.settings.queueLengthLimit) this.#refuse(ticket, 'queue-full');
    else this.#enqueue(ticket, queue);
    return ticket;
  }

  #pick(hand: readonly number[]): Queue {
    let best: Queue | undefined;
    for (const index of hand) {
      this.queues[index] ??= new Queue(index);
      const queue = this.queues[index];
      if (!best || load(queue) < load(best)) best = queue;
    }
    return best!;
  }

  /** What is wider than the whole level goes when it is alone. */
  #hasRoom(seats: number): boolean {
    return seats > this.limit ? this.seatsInUse === 0 : this.seatsInUse + seats <= this.limit;
  }

  #enqueue(ticket: Ticket, queue: Queue): void {
    if (load(queue) === 0) queue.nextStart = Math.max(queue.nextStart, this.#virtualTime);
    queue.waiting.push(ticket);
    queue.waitingSeats += ticket.seats;
    this.#busy.add(queue);
    this.waiting++;
    this.waitingSeats += ticket.seats;
    this.demand.add(ticket.seats, ticket.arrivedMs);
    ticket.wait(this.#clock, (reason) => this.#leave(ticket, reason));
    this.#dispatch();
  }

  #start(ticket: Ticket, nowMs: number): void {
    const { queue, seats } = ticket;
    if (!ticket.isWaiting) this.demand.add(seats, nowMs);
    if (queue) {
      if (load(queue) === 0) queue.nextStart = Math.max(queue.nextStart, this.#virtualTime);
      this.#virtualTime = Math.max(this.#virtualTime, queue.nextStart);
      queue.nextStart += seats * expectedSeconds;
      queue.executingSeats += seats;
      queue.executing.add(ticket);
    }
    this.seatsInUse += seats;
    this.executing.add(ticket);
    this.counts.dispatched++;
    ticket.start(nowMs);
  }

  #dispatch(): void {
    while (this.waiting > 0) {
      let next: Queue | undefined;
      for (const queue of this.#busy) if (!next || queue.nextStart < next.nextStart) next = queue;
      const ticket = next!.waiting[0]!;
      // The one whose turn it is does not step aside for a narrower one.
      if (!this.settings.isExempt && !this.#hasRoom(ticket.seats)) return;
      this.#takeOut(ticket);
      this.#start(ticket, this.#clock.monotonicMs());
    }
  }

  #takeOut(ticket: Ticket): void {
    const queue = ticket.queue!;
    queue.waiting.splice(queue.waiting.indexOf(ticket), 1);
    queue.waitingSeats -= ticket.seats;
    this.waiting--;
    this.waitingSeats -= ticket.seats;
    // Last in the set: queues that are equally far take turns.
    this.#busy.delete(queue);
    if (queue.waiting.length > 0) this.#busy.add(queue);
  }

  #leave(ticket: Ticket, reason: 'time-out' | 'cancelled'): void {
    const nowMs = this.#clock.monotonicMs();
    this.#takeOut(ticket);
    this.demand.add(-ticket.seats, nowMs);
    if (reason === 'time-out') this.counts.timedOut++;
    else this.counts.cancelled++;
    ticket.refuse(reason, nowMs);
    this.#dispatch();
  }

  #refuse(ticket: Ticket, reason: RefusalReason): void {
    this.counts.rejected++;
    ticket.refuse(reason, ticket.arrivedMs);
  }

  /** The request is answered; its seats are free, at once or after what it has set off is done too. */
  finish(ticket: Ticket): void {
    const nowMs = this.#clock.monotonicMs();
    this.executing.delete(ticket);
    const { queue, seats } = ticket;
    const seconds = (nowMs - ticket.startedMs) / 1000;
    if (queue) {
      queue.executing.delete(ticket);
      queue.nextStart += seats * (seconds - expectedSeconds) + (ticket.finalSeats * ticket.extraMs) / 1000;
    }
    ticket.onFinished(seconds);
    if (ticket.extraMs <= 0 || this.settings.isExempt) {
      this.#release(ticket, seats, nowMs);
      return;
    }
    this.#release(ticket, seats - ticket.finalSeats, nowMs);
    this.#clock.timer(ticket.extraMs, () => this.#release(ticket, ticket.finalSeats, this.#clock.monotonicMs()));
  }

  #release({ queue }: Ticket, seats: number, nowMs: number): void {
    if (queue) queue.executingSeats -= seats;
    this.seatsInUse -= seats;
    this.demand.add(-seats, nowMs);
    if (this.waiting > 0) this.#dispatch();
  }
}

const load = (queue: Queue): number => queue.waitingSeats + queue.executingSeats;
