// Admission: plugins that change (admit) and then plugins that refuse (validate), in the order of plugins/index.ts.
// They need other objects, so they are not kind rules; they read caches, never the network.
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { ObjectReader } from '../registry/object-reader.ts';

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
  readonly user: UserInfo;
  readonly isDryRun: boolean;
  /** Adds a `Warning` header. */
  warn(text: string): void;
}

export interface AdmissionContext {
  readonly objects: ObjectReader;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Throws a StatusError to refuse. */
  admit?(request: AdmissionRequest, context: AdmissionContext): Promise<void> | void;
  validate?(request: AdmissionRequest, context: AdmissionContext): Promise<void> | void;
}
