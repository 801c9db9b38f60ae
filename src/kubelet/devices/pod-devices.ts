// What a pod's worker asks about devices, whether plugins give them or claims.
import type { Container, Pod, ResourceStatus } from '../../../generated/core-v1.ts';
import type { Rejection } from '../pods/admission.ts';
import type { ContainerExtras } from './container-extras.ts';

export interface PodDevices {
  /** Gives a pod that has not begun what it asks plugins for; why it can not have it. */
  admit(pod: Pod): Promise<Rejection | undefined>;
  /** Makes the devices of the pod's claims ready. @throws with the reason for the pod's event */
  prepare(pod: Pod): Promise<void>;
  /** What a container gets for its devices. @throws when one can not be made ready */
  extrasFor(pod: Pod, container: Container): Promise<ContainerExtras | undefined>;
  /** Nothing of the pod runs any more. May be repeated. @throws while a driver can not be asked */
  unprepare(pod: Pod): Promise<void>;
  /** `allocatedResourcesStatus` of a container; empty when it has no devices. */
  statuses(pod: Pod, container: Container): ResourceStatus[];
}
