// Keeps the Available condition of each APIService true: looks when something it depends on changes, and now and then.
import type { APIService } from '../../../generated/apiregistration-v1.ts';
import { apiServiceKind, endpointSliceKind } from '../../../generated/kinds.ts';
import { localAvailability } from '../../api/apiregistration/api-service.ts';
import { isConflict, isNotFound } from '../../api/meta/status-error.ts';
import { type Clock, rfc3339 } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { linkSignal, untilAborted } from '../../base/signals.ts';
import type { OutboundClient } from '../outbound/client.ts';
import type { ObjectReader } from '../registry/object-reader.ts';
import type { Writes } from './api-service-writes.ts';
import { type Availability, failedCheck, passed, planAvailability, withCondition } from './availability-plan.ts';
import { callerHeaders } from './caller-headers.ts';
import type { Route, Routes } from './routes.ts';

export interface AvailabilityParts {
  readonly objects: ObjectReader;
  readonly routes: Routes;
  readonly writes: Writes;
  readonly client: OutboundClient;
  /** Called for whom answers, before others learn that it does. */
  readonly onAnswering: (route: Route, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

const probeTimeoutMs = 5_000;
const againMs = 30_000;
const firstRetryMs = 100;
/** Of one APIService, each to an endpoint drawn anew: one that answers is enough. */
const maxProbes = 5;
const maxWorkers = 5;
const maxAnswerBytes = 4 << 20;

/** Whom servers behind us see when we look after them. */
export const aggregatorUser = { username: 'system:kube-aggregator', groups: ['system:masters'] };

export class AvailabilityLoop {
  readonly #parts: AvailabilityParts;
  readonly #queue = new Set<string>();
  readonly #busy = new Set<string>();
  readonly #timers = new Map<string, Disposable>();
  readonly #failures = new Map<string, number>();
  readonly #working = new Set<Promise<void>>();
  #signal: AbortSignal | undefined;

  constructor(parts: AvailabilityParts) {
    this.#parts = parts;
  }

  /** Until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    this.#fill();
    await untilAborted(signal);
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
    this.#timers.clear();
    this.#queue.clear();
    await Promise.all(this.#working);
  }

  /** Something changed that this APIService may depend on. */
  look(name: string): void {
    this.#failures.delete(name);
    this.#enqueue(name);
  }

  forget(name: string): void {
    this.#queue.delete(name);
    this.#failures.delete(name);
    this.#timers.get(name)?.[Symbol.dispose]();
    this.#timers.delete(name);
  }

  #enqueue(name: string): void {
    this.#timers.get(name)?.[Symbol.dispose]();
    this.#timers.delete(name);
    this.#queue.add(name);
    this.#fill();
  }

  #fill(): void {
    if (!this.#signal || this.#signal.aborted) return;
    for (const name of this.#queue) {
      if (this.#working.size >= maxWorkers) return;
      if (this.#busy.has(name)) continue;
      this.#queue.delete(name);
      this.#busy.add(name);
      const work = this.#check(name, this.#signal).finally(() => {
        this.#working.delete(work);
        this.#busy.delete(name);
        this.#fill();
      });
      this.#working.add(work);
    }
  }

  async #check(name: string, signal: AbortSignal): Promise<void> {
    const { objects, routes, log, clock } = this.#parts;
    const object = objects.find(apiServiceKind, '', name);
    if (!object) return this.forget(name);
    const route = routes.all().find((each) => each.name === name);
    let delayMs = againMs;
    try {
      const availability = route ? await this.#availabilityOf(route, signal) : localAvailability;
      if (route && availability === passed) await this.#parts.onAnswering(route, signal);
      if (signal.aborted) return;
      await this.#write(object, availability);
      if (availability.reason === 'FailedDiscoveryCheck') delayMs = this.#nextRetry(name);
      else this.#failures.delete(name);
      if (!route) return; // what is local stays so, until the object changes
    } catch (error) {
      if (signal.aborted) return;
      log.warn('the availability of an APIService could not be written', { name, error: String(error) });
      delayMs = this.#nextRetry(name);
    }
    if (signal.aborted || this.#queue.has(name)) return;
    this.#timers.set(
      name,
      clock.timer(delayMs, () => this.#enqueue(name)),
    );
  }

  #nextRetry(name: string): number {
    const count = (this.#failures.get(name) ?? 0) + 1;
    this.#failures.set(name, count);
    return Math.min(againMs, firstRetryMs * 2 ** Math.min(count - 1, 10));
  }

  async #write(object: APIService, availability: Availability): Promise<void> {
    const conditions = withCondition(object, availability, rfc3339(this.#parts.clock.now()));
    if (!conditions) return;
    await this.#parts.writes.setConditions(object, conditions).catch((error) => {
      if (!isConflict(error) && !isNotFound(error)) throw error; // its change brings us back
    });
  }

  async #availabilityOf(route: Route, signal: AbortSignal): Promise<Availability> {
    const missing = planAvailability(this.#parts.objects, route.service);
    if (missing) return missing;
    const count = Math.min(maxProbes, Math.max(1, this.#endpointsOf(route)));
    using over = linkSignal([signal], probeTimeoutMs);
    try {
      await Promise.any(Array.from({ length: count }, () => this.#probe(route, over.signal)));
      return passed;
    } catch (error) {
      const last = error instanceof AggregateError ? error.errors.at(-1) : error;
      return failedCheck((last as Error).message);
    } finally {
      over.abort();
    }
  }

  #endpointsOf({ service: { namespace, name } }: Route): number {
    const slices = this.#parts.objects.list(endpointSliceKind, namespace);
    const own = slices.filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
    return own.reduce((sum, { endpoints }) => sum + (endpoints?.length ?? 0), 0);
  }

  async #probe(route: Route, signal: AbortSignal): Promise<void> {
    const { group, version, target } = route;
    const { host, port } = target.resolve();
    const path = group ? `/apis/${group}/${version}` : `/api/${version}`;
    const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
    const failing = `failing or missing response from ${url}`;
    const request = { method: 'GET', path, headers: callerHeaders(aggregatorUser), signal };
    const answer = await this.#parts.client.exchange(target, request, maxAnswerBytes).catch((error: Error) => {
      throw new Error(`${failing}: Get ${JSON.stringify(url)}: ${error.message}`);
    });
    if (answer.status < 200 || answer.status >= 300)
      throw new Error(`${failing}: bad status from ${url}: ${answer.status}`);
  }
}
