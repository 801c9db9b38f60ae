// Decides by the policy which requests are noted, and hands lines to the log and to whoever else wants them.
import type { Clock } from '../../base/clock.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import { anonymousUser } from '../authn/users.ts';
import type { ServerRequest } from '../http/exchange.ts';
import type { RequestInfo } from '../request-info.ts';
import { type Level, type Policy, PolicyEvaluator } from './policy.ts';
import { AuditRecord } from './record.ts';
import type { AuditSink } from './sink.ts';

export interface AuditedRequest {
  readonly http: ServerRequest;
  readonly info: RequestInfo;
  /** Who asked; undefined when their credentials are nobody's. */
  readonly user: UserInfo | undefined;
  readonly auditId: string;
  /** On the monotonic clock. */
  readonly startedMs: number;
}

export class Auditor {
  readonly #policy: PolicyEvaluator;
  readonly #sinks: readonly AuditSink[];
  readonly #clock: Clock;
  readonly #byLevel = new Map<Level, number>();
  #events = 0;

  constructor(policy: Policy, sinks: readonly AuditSink[], clock: Clock) {
    this.#policy = new PolicyEvaluator(policy);
    this.#sinks = sinks;
    this.#clock = clock;
  }

  /** Undefined: nothing is to be noted of this request. */
  begin({ http, info, user, auditId, startedMs }: AuditedRequest): AuditRecord | undefined {
    const decision = this.#policy.evaluate({ ...info, user: user ?? nobody });
    this.#byLevel.set(decision.level, (this.#byLevel.get(decision.level) ?? 0) + 1);
    if (decision.level === 'None') return undefined;
    const now = this.#clock.now();
    const record = new AuditRecord({
      decision,
      auditId,
      http,
      info,
      user,
      receivedAtMs: now - (this.#clock.monotonicMs() - startedMs),
      now: () => this.#clock.now(),
      write: this.#write,
    });
    record.stage('RequestReceived');
    return record;
  }

  readonly #write = (line: string): void => {
    this.#events++;
    for (const sink of this.#sinks) sink.write(line);
  };

  /** For Prometheus. */
  print(): string {
    const lines = [
      '# HELP apiserver_audit_event_total Audit events written.',
      '# TYPE apiserver_audit_event_total counter',
      `apiserver_audit_event_total ${this.#events}`,
      '# HELP apiserver_audit_level_total Requests by the level that the audit policy gave them.',
      '# TYPE apiserver_audit_level_total counter',
      ...[...this.#byLevel].map(([level, count]) => `apiserver_audit_level_total{level="${level}"} ${count}`),
      '# HELP apiserver_audit_error_total Audit events dropped, by where they should have gone.',
      '# TYPE apiserver_audit_error_total counter',
      ...this.#sinks.map(({ name, dropped }) => `apiserver_audit_error_total{plugin="${name}"} ${dropped}`),
    ];
    return lines.join('\n');
  }

  async close(): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink.close()));
  }
}

const nobody: UserInfo = { ...anonymousUser, username: '', groups: [] };
