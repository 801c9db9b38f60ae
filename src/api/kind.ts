// What an API kind says about itself: one file a kind exports one KindDefinition; the facts (names, verbs, fields) come
// from facts/. kinds.ts joins both into ResourceInfo (resource-info.ts), which is all that the API server sees.
import type { FieldErrors } from './meta/field-errors.ts';
import type { KubernetesObject } from './meta/object.ts';
import type { MetadataLook } from './meta/object-meta-validation.ts';

/** A column of the server-side table; `priority` 1 shows with `-o wide` only. */
export interface Column<T> {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description: string;
  readonly priority?: number;
  /** Ask for the time only where it shows: a row that does not depend on it is made once. */
  cell(object: T, context: { readonly nowMs: number }): string | number | boolean | null;
}

/** What a hook may know of the request it serves. */
export interface RequestContext {
  readonly nowMs: number;
  readonly isDryRun: boolean;
  /** Who asks; the fields of `authentication.k8s.io` UserInfo. Only CertificateSigningRequests look. */
  readonly user?: {
    readonly username: string;
    readonly uid?: string;
    readonly groups: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
}

/** How a subresource that writes part of an object (`status`, `scale`…) differs from writing the object. */
export interface SubresourceRules<T> {
  /** `next` is what the client sent: keeps what this subresource may not change, by copying it from `current`. */
  prepareForUpdate(next: T, current: T, context: RequestContext): void;
  validateUpdate?(next: T, current: T, errors: FieldErrors): void;
  readonly metadataLooks?: readonly MetadataLook[];
}

/** Another served version of the kind. Hooks get plain objects in canonical form and change or return new ones. */
export interface OtherVersion<T extends KubernetesObject> {
  readonly group: string;
  readonly version: string;
  /** Set for a version that answers with a `Warning`: `apps/v1beta1 Deployment is deprecated in v1.8+, …`. */
  readonly deprecationWarning?: string;
  /** Defaults of this version, applied before conversion. */
  defaults?(object: KubernetesObject): void;
  /** To the storage version; may take over the object. Absent: same shape, only apiVersion differs. */
  toStorage?(object: KubernetesObject): T;
  fromStorage?(object: T): KubernetesObject;
  /** Rules that differ for requests in this version; they see the storage version all the same. */
  readonly rules?: Partial<
    Pick<KindDefinition<T>, 'validate' | 'validateCreate' | 'validateUpdate' | 'warnings' | 'metadataLooks'>
  >;
}

/**
 * One API kind. Every hook gets the object in the storage version, in canonical form (see schema), mutable, defaulted.
 * T is the generated type. All hooks are pure and synchronous; anything that needs other objects is an admission plugin.
 */
export interface KindDefinition<T extends KubernetesObject = any> {
  readonly group: string;
  /** The storage version. */
  readonly version: string;
  readonly kind: string;
  /** Fills defaults of the storage version. Idempotent. Not used when the request came in another version that has its own. */
  defaults?(object: T): void;
  /** Drops what a client may not set (status), sets generation 1 where the kind counts generations. */
  prepareForCreate?(object: T, context: RequestContext): void;
  /** Keeps status and bumps generation when the spec changed. `current` is frozen. */
  prepareForUpdate?(next: T, current: T, context: RequestContext): void;
  /** The first request to delete the object: adds what must happen before it goes. */
  prepareForDelete?(object: T, nowMs: number): void;
  /** Everything but metadata, which the registry checks for all kinds (names by `nameRule`). */
  validate?(object: T, errors: FieldErrors): void;
  /** In addition to `validate`, for what only a new object must satisfy. */
  validateCreate?(object: T, errors: FieldErrors): void;
  /** In addition to `validate(next)`, which the registry also runs. */
  validateUpdate?(next: T, current: T, errors: FieldErrors): void;
  /** Finalizers need no prefix, as custom resources' and those of kinds that upstream's core does not check. */
  readonly takesAnyFinalizer?: boolean;
  /** Upstream's rules of the kind do not look at metadata: it is looked at when nothing else of a new object is wrong. */
  readonly judgesMetadataAfter?: boolean;
  /** How often an update looks at metadata; see object-meta-validation.ts. Clients see each error as often. */
  readonly metadataLooks?: readonly MetadataLook[];
  /** What an update says of changes comes before what it says of the new object. */
  readonly judgesChangesFirst?: boolean;
  /** Messages why `name` is not allowed; default: DNS subdomain. `isPrefix` for generateName. */
  nameRule?(name: string, isPrefix: boolean): string[];
  /** The kind may be created by PUT (upstream's AllowCreateOnUpdate). */
  readonly allowsCreateOnUpdate?: boolean;
  /** PUT without resourceVersion is accepted (upstream's AllowUnconditionalUpdate); default true. */
  readonly allowsUnconditionalUpdate?: boolean;
  /** Field label → value, beyond metadata.name and metadata.namespace; absent: read by facts/field-selectors.json. */
  fieldLabels?(object: T): Record<string, string>;
  readonly subresources?: Readonly<Record<string, SubresourceRules<T>>>;
  readonly otherVersions?: readonly OtherVersion<T>[];
  /** `Warning` header of every request for the storage version itself. */
  readonly deprecationWarning?: string;
  /** Absent: `defaultColumns` of meta/columns.ts (Name, Created At). `Name` comes first in most kinds and is listed by the kind itself. */
  readonly columns?: readonly Column<T>[];
  /** An annotation that metadata alone is shown without: upstream keeps it as a field of its own. */
  readonly fieldAnnotation?: string;
  /** Order of a table's rows, where it is not that of names. */
  rowOrder?(left: T, right: T): number;
  /** Marks on the row of a table: kubectl greys out pods that have ended. */
  rowConditions?(object: T): { type: string; status: string; reason: string; message: string }[];
  /** `Warning` headers for what is valid but unwise. */
  warnings?(object: T, current: T | undefined): string[];
  /** The same for new objects, whether they turn out valid or not. */
  earlyWarnings?(object: T): string[];
  /** Seconds of graceful deletion for this object, or undefined for immediate deletion (all kinds but pods). */
  graceSeconds?(object: T, requested: number | undefined): number | undefined;
  /** DELETE answers with a Status and not with the object by default; set where upstream returns the object (pods, …). */
  readonly returnsDeletedObject?: boolean;
  /** Finalizers, GC: propagation used when the client names none; default 'background'. `none`: whatever it names. */
  readonly defaultPropagation?: 'background' | 'orphan' | 'none';
  /** Said when the client names no propagation. */
  readonly deletionWarning?: string;
  /** Accessors for the scale subresource, where the kind has one. */
  readonly scale?: {
    get(object: T): { replicas: number; statusReplicas: number; selector: string };
    set(object: T, replicas: number): void;
  };
}
