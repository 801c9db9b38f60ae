// Admission: plugins that change (admit) and then plugins that refuse (validate), in the order of plugins/index.ts.
// They need other objects, so they are not kind rules; they read caches, never the network (webhooks are the exception).

import type { FieldErrors } from '../../api/meta/field-errors.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { ObjectReader } from '../registry/object-reader.ts';
import type { ResourceTable } from '../registry/resource-table.ts';

/** What an object is that is not the resource's own: the Scale of `deployments/scale`, the Binding of `pods/binding`. */
export interface PartKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The schema's name for it. */
  readonly typeName: string;
}

export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly resource: ResourceInfo;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** In the storage version; mutable in admit, frozen in validate. Absent on DELETE. */
  readonly object?: KubernetesObject;
  /** What is stored now; frozen. Absent on CREATE. */
  readonly oldObject?: KubernetesObject;
  /** Set where the objects are of a kind of their own, in this version. */
  readonly kind?: PartKind;
  /** What the client asked for beside the object: CreateOptions, DeleteOptions… with kind and apiVersion. */
  options?(): object;
  readonly user: UserInfo;
  /** What the request is authorized as: `update`, `patch`, `create`… */
  readonly verb: string;
  readonly isDryRun: boolean;
  /** Aborts when the request is over. */
  readonly signal?: AbortSignal | undefined;
  /** Shared by both rounds in which plugins may change the object. */
  readonly rounds: AdmissionRounds;
  /** Adds a `Warning` header. */
  warn(text: string): void;
  /** Notes something for the audit log; the first value of a key stays. */
  annotate(key: string, value: string): void;
}

/**
 * A plugin whose change may concern plugins that ran before it asks for a second round; in it, all plugins that change
 * objects run once more.
 */
export interface AdmissionRounds {
  isSecond: boolean;
  wantsSecond: boolean;
  /** What a plugin remembers from the first round, by its name. */
  readonly notes: Map<string, unknown>;
}

export interface AdmissionContext {
  readonly objects: ObjectReader;
  readonly table: ResourceTable;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Throws a StatusError to refuse. */
  admit?(request: AdmissionRequest, context: AdmissionContext): Promise<void> | void;
  validate?(request: AdmissionRequest, context: AdmissionContext): Promise<void> | void;
  /** Of objects of one group: told together with what the rules of their kinds find, and before that. */
  readonly judge?: Judge;
}

export interface Judge {
  readonly group: string;
  errorsOf(request: AdmissionRequest, context: AdmissionContext): Promise<FieldErrors> | FieldErrors;
}
