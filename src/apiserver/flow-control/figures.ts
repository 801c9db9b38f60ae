// What /metrics says about flow control. Counted by hand: this is the hot path.
import type { FlowPlan } from './configuration.ts';
import type { Level } from './level.ts';
import type { RefusalReason, Ticket, TicketObserver } from './ticket.ts';

const prefix = 'apiserver_flowcontrol_';
const durationBuckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const seatBuckets = [1, 2, 4, 8, 16, 32, 64, 100];

class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #total = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.#sum += value;
    this.#total++;
    for (let index = this.#bounds.length - 1; index >= 0 && value <= this.#bounds[index]!; index--) {
      this.#counts[index]!++;
    }
  }

  lines(name: string, labels: string): string[] {
    return [
      ...this.#bounds.map((bound, index) => `${name}_bucket{${labels},le="${bound}"} ${this.#counts[index]}`),
      `${name}_bucket{${labels},le="+Inf"} ${this.#total}`,
      `${name}_sum{${labels}} ${this.#sum}`,
      `${name}_count{${labels}} ${this.#total}`,
    ];
  }
}

/** Of one flow schema at one level. */
class FlowFigures {
  dispatched = 0;
  executing = 0;
  executingSeats = 0;
  inQueue = 0;
  inQueueSeats = 0;
  readonly rejected = new Map<RefusalReason, number>();
  readonly waits = { true: new Histogram(durationBuckets), false: new Histogram(durationBuckets) };
  readonly execution = new Histogram(durationBuckets);
  readonly seats = new Histogram(seatBuckets);
}

export class Figures implements TicketObserver {
  readonly #flows = new Map<string, FlowFigures>();
  readonly #targets = new Map<string, number>();
  #fairFraction = 0;

  #of({ level, init }: Ticket): FlowFigures {
    const key = `flow_schema="${init.schema}",priority_level="${level.name}"`;
    let flow = this.#flows.get(key);
    if (!flow) {
      flow = new FlowFigures();
      this.#flows.set(key, flow);
    }
    return flow;
  }

  queued(ticket: Ticket): void {
    const flow = this.#of(ticket);
    flow.inQueue++;
    flow.inQueueSeats += ticket.seats;
  }

  started(ticket: Ticket, waitSeconds: number): void {
    const flow = this.#of(ticket);
    flow.dispatched++;
    flow.executing++;
    flow.executingSeats += ticket.seats;
    flow.seats.observe(ticket.seats);
    if (ticket.hasWaited) this.#leftQueue(flow, ticket);
    if (!ticket.level.settings.isExempt) flow.waits.true.observe(waitSeconds);
  }

  #leftQueue(flow: FlowFigures, ticket: Ticket): void {
    flow.inQueue--;
    flow.inQueueSeats -= ticket.seats;
  }

  finished(ticket: Ticket, seconds: number): void {
    const flow = this.#of(ticket);
    flow.executing--;
    flow.executingSeats -= ticket.seats;
    flow.execution.observe(seconds);
  }

  refused(ticket: Ticket, reason: RefusalReason, waitSeconds: number): void {
    const flow = this.#of(ticket);
    flow.rejected.set(reason, (flow.rejected.get(reason) ?? 0) + 1);
    if (!ticket.hasWaited) return;
    this.#leftQueue(flow, ticket);
    flow.waits.false.observe(waitSeconds);
  }

  lent(targets: Iterable<[level: string, target: number]>, fairFraction: number): void {
    for (const [level, target] of targets) this.#targets.set(level, target);
    this.#fairFraction = fairFraction;
  }

  print(plan: FlowPlan, levels: ReadonlyMap<string, Level>): string {
    const lines: string[] = [];
    const family = (name: string, type: string, help: string, values: Iterable<[labels: string, value: number]>) => {
      lines.push(`# HELP ${prefix}${name} ${help}`, `# TYPE ${prefix}${name} ${type}`);
      for (const [labels, value] of values) lines.push(`${prefix}${name}${labels ? `{${labels}}` : ''} ${value}`);
    };
    const flows = (read: (flow: FlowFigures) => number) =>
      [...this.#flows].map(([labels, flow]): [string, number] => [labels, read(flow)]);
    const ofLevels = (read: (level: Level) => number) =>
      [...levels].map(([name, level]): [string, number] => [`priority_level="${name}"`, read(level)]);
    const planned = (read: (name: string) => number | undefined) =>
      [...plan.levels.keys()].map((name): [string, number] => [`priority_level="${name}"`, read(name) ?? 0]);

    family('rejected_requests_total', 'counter', 'Requests refused.', this.#rejections());
    family(
      'dispatched_requests_total',
      'counter',
      'Requests let through.',
      flows(({ dispatched }) => dispatched),
    );
    family(
      'current_inqueue_requests',
      'gauge',
      'Requests that wait.',
      flows(({ inQueue }) => inQueue),
    );
    family(
      'current_inqueue_seats',
      'gauge',
      'Seats that waiting requests ask for.',
      flows((flow) => flow.inQueueSeats),
    );
    family(
      'current_executing_requests',
      'gauge',
      'Requests at work.',
      flows(({ executing }) => executing),
    );
    family(
      'current_executing_seats',
      'gauge',
      'Seats of requests at work.',
      flows((flow) => flow.executingSeats),
    );
    family(
      'request_concurrency_in_use',
      'gauge',
      'Seats of requests at work.',
      flows((flow) => flow.executingSeats),
    );
    const nominal = planned((name) => plan.levels.get(name)?.nominal);
    family('request_concurrency_limit', 'gauge', 'Nominal number of seats of each level.', nominal);
    family('nominal_limit_seats', 'gauge', 'Nominal number of seats of each level.', nominal);
    family(
      'lower_limit_seats',
      'gauge',
      'Seats a level never lends.',
      planned((name) => plan.levels.get(name)?.lower),
    );
    family(
      'upper_limit_seats',
      'gauge',
      'Seats a level has at most.',
      planned((name) => plan.levels.get(name)?.upper),
    );
    family(
      'current_limit_seats',
      'gauge',
      'Seats of each level for now.',
      ofLevels(({ limit }) => limit),
    );
    const demand = (read: (figures: Level['demand']['figures']) => number) =>
      ofLevels((level) => read(level.demand.figures));
    family(
      'demand_seats_high_watermark',
      'gauge',
      'Most seats a level could have used.',
      demand((f) => f.highWatermark),
    );
    family(
      'demand_seats_average',
      'gauge',
      'Seats a level could have used, on average.',
      demand((f) => f.average),
    );
    family(
      'demand_seats_stdev',
      'gauge',
      'Deviation of demand_seats_average.',
      demand((f) => f.deviation),
    );
    family(
      'demand_seats_smoothed',
      'gauge',
      'Demand that falls slowly.',
      demand((f) => f.smoothed),
    );
    family(
      'target_seats',
      'gauge',
      'Seats a level should have.',
      planned((name) => this.#targets.get(name)),
    );
    family('seat_fair_frac', 'gauge', 'Fraction of its target that each level gets.', [['', this.#fairFraction]]);
    lines.push(...this.#histograms());
    return lines.join('\n');
  }

  #rejections(): [string, number][] {
    return [...this.#flows].flatMap(([labels, { rejected }]) =>
      [...rejected].map(([reason, count]): [string, number] => [`${labels},reason="${reason}"`, count]),
    );
  }

  #histograms(): string[] {
    const lines: string[] = [];
    const family = (
      name: string,
      help: string,
      print: (name: string, labels: string, flow: FlowFigures) => string[],
    ) => {
      const full = prefix + name;
      lines.push(`# HELP ${full} ${help}`, `# TYPE ${full} histogram`);
      for (const [labels, flow] of this.#flows) lines.push(...print(full, labels, flow));
    };
    family('request_wait_duration_seconds', 'Time in the queue.', (name, labels, { waits }) => [
      ...waits.true.lines(name, `execute="true",${labels}`),
      ...waits.false.lines(name, `execute="false",${labels}`),
    ]);
    family('request_execution_seconds', 'Time at work.', (name, labels, flow) =>
      flow.execution.lines(name, `${labels},type="regular"`),
    );
    family('work_estimated_seats', 'Seats asked for.', (name, labels, flow) => flow.seats.lines(name, labels));
    return lines;
  }
}
