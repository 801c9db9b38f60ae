// Priority and fairness: every request that ends is matched to a FlowSchema, which leads to a priority level, which has so
// many seats. Beyond them requests wait in queues that are served fairly, and beyond those they are refused.
import type { FlowSchema, PriorityLevelConfiguration } from '../../../generated/flowcontrol-v1.ts';
import { flowSchemaKind, priorityLevelConfigurationKind } from '../../../generated/kinds.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { type Clock, every } from '../../base/clock.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { AnswerHeaders } from '../http/answer.ts';
import type { Registry } from '../registry/registry.ts';
import type { RequestInfo } from '../request-info.ts';
import { lend } from './borrowing.ts';
import { type FlowPlan, planFlow } from './configuration.ts';
import { Figures } from './figures.ts';
import { Level } from './level.ts';
import { type RequestTest, testFor } from './match.ts';
import { RetryAfter } from './retry-after.ts';
import { dealHand } from './shuffle-shard.ts';
import type { Ticket, TicketLevel } from './ticket.ts';
import { WatchCount } from './watch-count.ts';
import { WorkEstimator } from './work-estimate.ts';

export interface FlowControlOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  /** Requests that may be at work at once, all levels together. */
  readonly seats: number;
  /** The longest a request may take; a quarter of it may be spent waiting. */
  readonly requestTimeoutMs: number;
}

export const defaultSeats = 6000;

export interface FlowRequest {
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly resource: ResourceInfo | undefined;
  readonly user: UserInfo;
  readonly signal: AbortSignal;
  readonly nowMs: number;
}

/** A FlowSchema that speaks of a user, ready to be asked. */
interface Candidate {
  readonly matches: RequestTest;
  readonly flow: Flow;
}

interface Flow {
  readonly schema: FlowSchema;
  readonly level: Level;
  readonly maxSeats: number;
  /** UIDs and not names, which may tell more than a client should know. */
  readonly headers: AnswerHeaders;
  readonly hands: Map<string, readonly number[]>;
}

const borrowEveryMs = 10_000;
/** Users and flows that are remembered; past it all are found again. */
const maxRemembered = 10_000;

export class FlowControl {
  readonly figures = new Figures();
  readonly watches = new WatchCount();
  readonly levels = new Map<string, Level>();
  readonly #options: FlowControlOptions;
  readonly #estimator: WorkEstimator;
  readonly #retryAfter = new Map<string, RetryAfter>();
  readonly #configurations = new Map<string, PriorityLevelConfiguration>();
  #flows: readonly Flow[] = [];
  #candidates = new Map<string, readonly Candidate[]>();
  #plan: FlowPlan = { levels: new Map(), schemas: [] };
  #seenSchemas = -1;
  #seenLevels = -1;

  constructor(options: FlowControlOptions) {
    this.#options = options;
    this.#estimator = new WorkEstimator(options.registry, this.watches);
  }

  /** Lends seats from level to level until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    for await (const _ of every(this.#options.clock, borrowEveryMs, signal)) {
      this.#refresh();
      this.#dropEmpty();
      this.#lend();
    }
  }

  get plan(): FlowPlan {
    this.#refresh();
    return this.#plan;
  }

  /** A seat, a place in a queue, or neither: see Ticket.isAdmitted. `headers` go with the answer. */
  enter(request: FlowRequest): { readonly ticket: Ticket; readonly headers: AnswerHeaders } {
    this.#refresh();
    const { info, query, resource, user, signal, nowMs } = request;
    const flow = this.#flowOf(user, info);
    const { level, schema, maxSeats } = flow;
    const { isExempt, queues } = level.settings;
    const distinguisher = !isExempt && queues > 1 ? distinguish(schema, user, info) : '';
    const ticket = level.enter(
      {
        info,
        user,
        schema: schema.metadata.name,
        distinguisher,
        work: this.#estimator.estimate(info, query, resource, maxSeats),
        nowMs,
        signal,
        patienceMs: Math.min(this.#options.requestTimeoutMs / 4, 60_000),
        observer: this.figures,
      },
      queues > 0 ? handOf(flow, distinguisher) : undefined,
    );
    return { ticket, headers: flow.headers };
  }

  /** Seconds that a client who was refused is told to stay away. */
  refusedBy(level: TicketLevel): number {
    let retry = this.#retryAfter.get(level.name);
    if (!retry) {
      retry = new RetryAfter();
      this.#retryAfter.set(level.name, retry);
    }
    retry.recordRefusal(this.#options.clock.now());
    return retry.seconds;
  }

  #flowOf(user: UserInfo, info: RequestInfo): Flow {
    const key = `${user.username}\n${user.groups.join('\n')}`;
    let candidates = this.#candidates.get(key);
    if (!candidates) {
      candidates = this.#flows.flatMap((flow) => {
        const matches = testFor(flow.schema, user);
        return matches ? [{ matches, flow }] : [];
      });
      if (this.#candidates.size >= maxRemembered) this.#candidates.clear();
      this.#candidates.set(key, candidates);
    }
    for (const { matches, flow } of candidates) if (matches(info)) return flow;
    return this.#flows.find(({ schema }) => schema.metadata.name === 'catch-all')!;
  }

  #refresh(): void {
    const { registry } = this.#options;
    const schemas = registry.changedAt(flowSchemaKind);
    const levels = registry.changedAt(priorityLevelConfigurationKind);
    if (schemas === this.#seenSchemas && levels === this.#seenLevels) return;
    this.#seenSchemas = schemas;
    this.#seenLevels = levels;
    this.#configure();
  }

  #configure(): void {
    const { registry, clock, seats } = this.#options;
    const configurations = registry.list(priorityLevelConfigurationKind);
    const names = new Set(configurations.map(({ metadata }) => metadata.name));
    const leaving = [...this.#configurations.values()].filter(
      ({ metadata }) => !names.has(metadata.name) && this.levels.get(metadata.name)?.isIdle === false,
    );
    this.#plan = planFlow(registry.list(flowSchemaKind), configurations, seats, leaving);
    for (const [name, { settings, nominal, lower }] of this.#plan.levels) {
      const level = this.levels.get(name);
      if (level) level.configure(settings, level.limit);
      else this.levels.set(name, new Level(name, settings, nominal - Math.trunc((nominal - lower) / 2), clock));
    }
    this.#configurations.clear();
    for (const each of [...configurations, ...leaving]) this.#configurations.set(each.metadata.name, each);
    this.#dropEmpty();
    this.#flows = this.#plan.schemas.map((schema) => this.#flow(schema));
    this.#candidates = new Map();
    this.#lend();
  }

  #flow(schema: FlowSchema): Flow {
    const { uid, maxSeats, name } = this.#plan.levels.get(schema.spec!.priorityLevelConfiguration.name)!;
    const headers = {
      'x-kubernetes-pf-flowschema-uid': schema.metadata.uid ?? '',
      'x-kubernetes-pf-prioritylevel-uid': uid,
    };
    return { schema, level: this.levels.get(name)!, maxSeats, headers, hands: new Map() };
  }

  /** Levels that nobody wants any more stay until the last request has left them. */
  #dropEmpty(): void {
    for (const [name, level] of this.levels) {
      if (this.#plan.levels.has(name) || !level.isIdle) continue;
      this.levels.delete(name);
      this.#retryAfter.delete(name);
    }
  }

  #lend(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const borrowers = [...this.#plan.levels.values()].map((plan) => ({
      plan,
      demand: this.levels.get(plan.name)!.demand.endPeriod(nowMs),
    }));
    const { limits, fairFraction } = lend(borrowers);
    for (const [name, { limit }] of limits) this.levels.get(name)!.setLimit(limit);
    this.figures.lent(
      [...limits].map(([name, { target }]) => [name, target]),
      fairFraction,
    );
  }

  print(): string {
    return this.figures.print(this.plan, this.levels);
  }
}

function distinguish({ spec }: FlowSchema, user: UserInfo, info: RequestInfo): string {
  switch (spec?.distinguisherMethod?.type) {
    case 'ByUser':
      return user.username;
    case 'ByNamespace':
      return info.namespace;
    default:
      return '';
  }
}

function handOf({ schema, level, hands }: Flow, distinguisher: string): readonly number[] {
  let hand = hands.get(distinguisher);
  if (!hand) {
    const { queues, handSize } = level.settings;
    hand = dealHand(schema.metadata.name, distinguisher, queues, handSize);
    if (hands.size >= maxRemembered) hands.clear();
    hands.set(distinguisher, hand);
  }
  return hand;
}
