// The one interface in which built-in kinds and custom resources meet. Nothing after the router asks which it has.

import type { KindDefinition } from './kind.ts';
import type { KubernetesObject } from './meta/object.ts';

export interface SubresourceInfo {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** One resource in one served version. Several may share one storage (same `storage.plural` and group). */
export interface ResourceInfo {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly SubresourceInfo[];
  /** Listed in discovery. Old versions that are only served for old manifests are too. */
  readonly isDiscoverable: boolean;
  readonly deprecationWarning?: string;
  /** The schema's type name of this version: `io.k8s.api.apps.v1.Deployment`. */
  readonly typeName: string;
  /** Where objects are kept: the storage version's group, version, kind and plural. Equal to this version for most. */
  readonly storage: {
    readonly group: string;
    readonly version: string;
    readonly plural: string;
    readonly typeName: string;
  };
  /** Defaults of this version, in place. */
  defaults(object: KubernetesObject): void;
  /** This version → storage version (canonical, defaulted). Identity where they are the same. */
  toStorage(object: KubernetesObject): KubernetesObject;
  fromStorage(object: KubernetesObject): KubernetesObject;
  /** The kind's rules; they speak the storage version. */
  readonly rules: KindDefinition;
  /** Field labels of a stored object, metadata.name and metadata.namespace among them. */
  fieldLabels(object: KubernetesObject): Record<string, string>;
  /** Field labels a client of this version may select by. */
  readonly selectableFields: readonly string[];
  /** Set where the resource is defined by a CustomResourceDefinition: what its documents and lists show of that. */
  readonly custom?: CustomResourceInfo;
}

/** How a resource that is defined by objects differs from one that is built in. */
export interface CustomResourceInfo {
  /** Name of its schema in OpenAPI documents. */
  readonly openApiName: string;
  readonly schema: Record<string, unknown>;
  /** Changes whenever the schema may have. */
  readonly schemaId: string;
  /** Its definition is being deleted: no more objects of it. */
  readonly isTerminating: boolean;
  /**
   * Set where versions differ in more than their name. Such a resource is worked with in the version of the request, and
   * converted at the edge of the store; its `storage` says the same version as itself.
   */
  readonly conversion?: ObjectConversion;
}

export interface ConvertibleObject {
  readonly apiVersion: string;
  /** Without resourceVersion. */
  readonly json: Uint8Array;
  /** Of that JSON; the caller's to keep. */
  metadata(): KubernetesObject['metadata'];
}

/** Between the versions of one definition. */
export interface ObjectConversion {
  /** apiVersion in which objects are stored. */
  readonly storedAs: string;
  /** An object as it is stored, when its version has defaults that it lacks. */
  defaulted(json: Uint8Array): KubernetesObject | undefined;
  /** In canonical form of the wanted version. @throws StatusError 500 */
  convert(objects: readonly ConvertibleObject[], apiVersion: string): Promise<KubernetesObject[]>;
  /** For code that cannot wait. @throws PendingConversion; once that has settled, the same call has an answer */
  now(object: KubernetesObject, apiVersion: string): KubernetesObject;
}
