// How a subresource that is not a plain read or write of the object (log, exec, binding, token…), and a resource that
// is never stored (reviews), joins the server: a handler, registered by group, resource and subresource.

import type { DeleteOptions } from '../../../generated/meta-v1.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { PartKind } from '../admission/plugin.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { Answer } from '../http/answer.ts';
import type { ServerRequest } from '../http/exchange.ts';
import type { ObjectReader } from '../registry/object-reader.ts';
import type { RequestInfo } from '../request-info.ts';

/** Writes that go through admission, validation and the store as a client's would. */
export interface ObjectWriter {
  /** Frozen. @throws NotFound */
  get(resource: ResourceInfo, namespace: string, name: string): Promise<KubernetesObject>;
  create(
    resource: ResourceInfo,
    namespace: string,
    object: KubernetesObject,
    options: WriteContext,
  ): Promise<KubernetesObject>;
  /**
   * Read, change, write; again when someone else wrote in between. `change` gets a mutable copy in the storage version
   * and returns what to store; it may be called several times and may throw to refuse. Kind validation runs unless
   * `skipsValidation`.
   */
  update(
    resource: ResourceInfo,
    namespace: string,
    name: string,
    change: (current: KubernetesObject) => KubernetesObject,
    options: WriteContext,
  ): Promise<KubernetesObject>;
  delete(
    resource: ResourceInfo,
    namespace: string,
    name: string,
    deleteOptions: DeleteOptions,
    options: WriteContext,
  ): Promise<KubernetesObject>;
}

export interface WriteContext {
  readonly user: UserInfo;
  readonly isDryRun: boolean;
  /** Named to admission plugins: `binding`, `token`. */
  readonly subresource?: string;
  readonly uidPrecondition?: string;
  readonly resourceVersionPrecondition?: string;
  readonly skipsValidation?: boolean;
  readonly skipsAdmission?: boolean;
  warn?(text: string): void;
}

export interface SubresourceRequest {
  readonly http: ServerRequest;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  /** The resource in the path: `pods` for `pods/log`. */
  readonly resource: ResourceInfo;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
  readonly objects: ObjectReader;
  readonly writer: ObjectWriter;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The resource that serves `plural` of a group in its storage version: `('', 'pods')`. */
  resourceFor(group: string, plural: string): ResourceInfo;
  /** The body as a kind (JSON, YAML or protobuf by Content-Type), decoded, strictness as `fieldValidation` asks. */
  decode(
    expected: { group: string; version: string; kind: string; typeName: string },
    /** Older forms that are taken too: `policy/v1beta1/Eviction` → its type's name. */
    alternatives?: ReadonlyMap<string, string>,
  ): Promise<KubernetesObject>;
  /** Writes into an object that is answered and never stored, of a kind of its own, who named which of its fields. */
  track(object: KubernetesObject, kind: PartKind): void;
  /** Admission of what is about to be done. It may change the object. @throws StatusError */
  admit(asked: HandledAdmission): Promise<void>;
  warn(text: string): void;
}

/** What a handler does, as admission is told of it: `object` is of a kind of its own (Eviction, PodExecOptions). */
export interface HandledAdmission {
  readonly operation: 'CREATE' | 'CONNECT';
  readonly object: KubernetesObject;
  readonly kind: PartKind;
  /** Absent: the name in the path. */
  readonly name?: string;
  /** Between the plugins that change the object and those that refuse. */
  readonly complete?: () => void;
}

export interface SubresourceHandler {
  readonly group: string;
  /** Plural. */
  readonly resource: string;
  /** '' for a resource that is not stored. */
  readonly subresource: string;
  /** HTTP methods served; others answer 405. */
  readonly methods: readonly string[];
  /** Lives as long as its client wants (exec, log -f, proxy): no request deadline, not counted as in flight. */
  readonly isLongRunning?: boolean;
  handle(request: SubresourceRequest): Promise<Answer>;
}
