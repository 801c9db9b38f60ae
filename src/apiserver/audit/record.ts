// What is noted of one request while it is served, and when lines are written of it.
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { Answer } from '../http/answer.ts';
import type { BodySink, ServerRequest } from '../http/exchange.ts';
import type { RequestInfo } from '../request-info.ts';
import { eventLine, type ObjectReference, type Outcome } from './event.ts';
import { withoutManagedFields } from './managed-fields.ts';
import type { Decision, Stage } from './policy.ts';

export interface RecordParts {
  readonly decision: Decision;
  readonly auditId: string;
  readonly http: ServerRequest;
  readonly info: RequestInfo;
  /** Who asked; undefined when nobody knows them. */
  readonly user: UserInfo | undefined;
  readonly receivedAtMs: number;
  now(): number;
  write(line: string): void;
}

/** Larger objects are left out: a line must stay one that programs can read. */
const maxObjectBytes = 1536 << 10;

export class AuditRecord {
  readonly #parts: RecordParts;
  readonly #annotations = new Map<string, string>();
  #impersonated: UserInfo | undefined;
  #constraint = '';
  #named: ObjectReference | undefined;
  #requestObject: string | undefined;
  #responseObject: string | undefined;

  constructor(parts: RecordParts) {
    this.#parts = parts;
  }

  get keepsRequests(): boolean {
    return this.#parts.decision.level === 'Request' || this.keepsAnswers;
  }

  get keepsAnswers(): boolean {
    return this.#parts.decision.level === 'RequestResponse';
  }

  /** `constraint`: the right that allowed it, when it is one for some requests only. */
  impersonated(user: UserInfo, constraint: string): void {
    this.#impersonated = user;
    this.#constraint = constraint;
  }

  /** The first value of a key stays. */
  readonly annotate = (key: string, value: string): void => {
    if (!this.#annotations.has(key)) this.#annotations.set(key, value);
  };

  /** What was sent, before anything is made of it. */
  readonly requestObject = (object: KubernetesObject): void => {
    const { namespace = '', name = '', uid = '', resourceVersion = '' } = object.metadata ?? {};
    this.#named = { namespace, name, uid, resourceVersion };
    if (this.keepsRequests) this.#requestObject = this.#json(object);
  };

  /** JSON that is no object of a kind: a patch. */
  readonly requestPatch = (bytes: Uint8Array): void => {
    if (!this.keepsRequests || bytes.length > maxObjectBytes) return;
    try {
      this.#requestObject = JSON.stringify(JSON.parse(Buffer.from(bytes).toString()));
    } catch {
      this.#requestObject = JSON.stringify(Buffer.from(bytes).toString()); // apply's YAML
    }
  };

  #json(object: unknown): string | undefined {
    const { omitManagedFields } = this.#parts.decision;
    const text = JSON.stringify(omitManagedFields ? withoutManagedFields(object) : object);
    return text.length > maxObjectBytes ? undefined : text;
  }

  /** The answer as it goes out, its JSON noted where the policy wants it. */
  answered(answer: Answer): Answer {
    if (!this.keepsAnswers || answer.type === 'taken') return answer;
    if (answer.type === 'object') {
      this.#responseObject = this.#json(answer.object);
      return answer;
    }
    if (!answer.contentType.startsWith('application/json')) return answer;
    if (answer.type === 'bytes') {
      this.#noteBody([answer.body]);
      return answer;
    }
    return answer.isLive ? answer : { ...answer, write: (sink) => this.#copying(sink, answer.write) };
  }

  async #copying(sink: BodySink, write: (sink: BodySink) => Promise<void>): Promise<void> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    await write({
      get isClosed() {
        return sink.isClosed;
      },
      write(chunk) {
        size += chunk.length;
        if (size <= maxObjectBytes) chunks.push(chunk);
        else chunks.length = 0;
        return sink.write(chunk);
      },
      drained: () => sink.drained(),
    });
    if (size <= maxObjectBytes) this.#noteBody(chunks);
  }

  #noteBody(chunks: readonly Uint8Array[]): void {
    const body = Buffer.concat(chunks);
    if (body.length === 0 || body.length > maxObjectBytes) return;
    try {
      this.#responseObject = this.#json(JSON.parse(body.toString()));
    } catch {
      // Not JSON after all: nothing that a line could hold.
    }
  }

  stage(stage: Stage, outcome?: Outcome): void {
    const { decision, write, now, auditId, http, info, user, receivedAtMs } = this.#parts;
    if (decision.omitStages.has(stage)) return;
    write(
      eventLine({
        level: decision.level,
        stage,
        auditId,
        http,
        info,
        user,
        impersonated: this.#impersonated,
        constraint: this.#constraint,
        named: this.#named,
        outcome,
        requestObject: this.#requestObject,
        responseObject: this.#responseObject,
        annotations: this.#annotations,
        receivedAtMs,
        atMs: now(),
      }),
    );
  }
}
