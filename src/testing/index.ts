// What `coracle/testing` exports.

export * as kinds from '../../generated/kinds.ts';
export type { KindRef, KubernetesObject, ObjectKey } from '../api/meta/object.ts';
export { StatusError } from '../api/meta/status-error.ts';
export type { UserInfo } from '../apiserver/authn/authenticator.ts';
export type {
  Client,
  List,
  ListOptions,
  NewObject,
  PatchType,
  ResourceClient,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../client/client.ts';
export { startCluster, type TestingCluster, type TestingClusterOptions } from './start-cluster.ts';
export type { VirtualClock } from './virtual-clock.ts';
