// What a pod worker works with; one object for the whole node.
import type { Node, Pod, Service } from '../../../generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { CgroupTree } from '../cgroups/cgroup-tree.ts';
import type { PodDevices } from '../devices/pod-devices.ts';
import type { PodEvents } from '../events.ts';
import type { ImagePuller } from '../images/image-puller.ts';
import type { ProbeRunner } from '../probes/run-probe.ts';
import type { PodReferences } from '../reference-cache.ts';
import type { MachineLimits } from '../resources.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';
import type { PodStatusSink } from '../status/status-writer.ts';
import type { PodVolumes } from '../volumes/volume-manager.ts';
import type { Backoff } from './backoff.ts';
import type { ClusterDns } from './dns-config.ts';
import type { NodeFacts } from './field-ref.ts';
import type { runHook } from './hooks.ts';
import type { HostAbilities } from './host-admission.ts';
import type { RuntimeTracker } from './runtime-tracker.ts';
import type { SecurityDefaults } from './security-context.ts';
import type { UserNamespaces } from './user-namespaces.ts';

export interface PodServices extends MachineLimits {
  readonly runtime: ContainerRuntime;
  readonly tracker: RuntimeTracker;
  readonly images: ImagePuller;
  readonly volumes: PodVolumes;
  readonly references: PodReferences;
  readonly cgroups: CgroupTree;
  /** Absent: pods get no devices. */
  readonly devices?: PodDevices;
  readonly events: PodEvents;
  readonly clock: Clock;
  readonly log: Logger;
  readonly restarts: Backoff;
  readonly security: SecurityDefaults;
  /** Absent: pods have the node's users. */
  readonly users?: UserNamespaces;
  /** The node's object, as it was heard of last and as it is now; absent: pods are taken whatever they say of nodes. */
  readonly node?: { known(): Node | undefined; now(): Promise<Node | undefined> };
  /** What this machine has for pods; absent: all of it. */
  readonly host?: HostAbilities;
  readonly dns: () => ClusterDns;
  readonly hostIPs: readonly string[];
  /** `containerd`, as in container IDs. */
  readonly runtimeName: string;
  /** Folder of container logs: `NS_NAME_UID/CONTAINER/N.log`. */
  readonly logDir: string;
  readonly probe: ProbeRunner;
  readonly hook: typeof runHook;
  /** How long after its start a container is not ready, though no probe says so; absent: not at all. */
  readyDelayMs?(pod: Pod, container: string, restarts: number): number;
  /** Nothing of a pod touches this machine: no files, no mounts. */
  readonly isSimulated?: boolean;
  factsFor(pod: Pod, podIPs: readonly string[]): NodeFacts;
  services(): readonly Service[];
  servicesSynced(): boolean;
  /** The runtime's name for a RuntimeClass. @throws when there is no such class */
  runtimeHandler(runtimeClass: string): Promise<string>;
  /** Settles when the policies about the pod are in force at its addresses; nothing runs in it before. */
  beforeStart?(pod: Pod, addresses: readonly string[]): Promise<void>;
  /** Settles when no Service leads to the pod any more; what runs in it is told to stop only then. */
  beforeStop?(pod: Pod): Promise<void>;
  /** Why pods of their own network can not be made now; undefined when they can. */
  networkProblem(): Promise<string | undefined>;
  statusSink(): PodStatusSink;
  /** Deletes the object for good, if it is still this one. */
  deletePod(pod: Pod): Promise<void>;
  /** Removes dead containers, sandboxes and logs of a pod that has ended. */
  removeRuntimeState(pod: Pod): Promise<void>;
}
