// Which pods stand behind a Service, and on which ports. Shared by Endpoints and EndpointSlices.
import type { Pod, Service, ServicePort } from '../../../generated/core-v1.ts';
import { isFinished } from '../../api/core/pod-phase.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { hasLabels } from '../../api/meta/labels.ts';
import { keyOf } from '../../api/meta/object.ts';
import type { KeyQueue } from '../../reconcile/controller.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { isReady } from '../shared/pod-state.ts';

export interface PortOfPod {
  readonly name: string;
  readonly port: number;
  readonly protocol: NonNullable<ServicePort['protocol']>;
  readonly appProtocol?: string;
}

/** Any change of a Service, and each change of a pod that its Services can notice, becomes the Service's key. */
export function watchServicePods(services: Informer<Service>, pods: Informer<Pod>, queue: KeyQueue): void {
  services.onChange({
    added: (service) => queue.add(keyOf(service)),
    updated: (service) => queue.add(keyOf(service)),
    deleted: (service) => queue.add(keyOf(service)),
  });
  const addServicesOf = (...versions: readonly Pod[]) => {
    for (const service of services.list(versions[0]?.metadata.namespace)) {
      if (versions.some((pod) => selects(service, pod))) queue.add(keyOf(service));
    }
  };
  pods.onChange({
    added: (pod) => addServicesOf(pod),
    updated: (next, previous) => {
      if (isNoticed(next, previous)) addServicesOf(next, previous);
    },
    deleted: (pod) => addServicesOf(pod),
  });
}

function isNoticed(next: Pod, previous: Pod): boolean {
  return (
    isReady(next) !== isReady(previous) ||
    isFinished(next) !== isFinished(previous) ||
    next.status?.podIP !== previous.status?.podIP ||
    next.status?.podIPs?.length !== previous.status?.podIPs?.length ||
    next.spec?.nodeName !== previous.spec?.nodeName ||
    Boolean(next.metadata.deletionTimestamp) !== Boolean(previous.metadata.deletionTimestamp) ||
    next.spec?.hostname !== previous.spec?.hostname ||
    next.spec?.subdomain !== previous.spec?.subdomain ||
    !isEqual(next.metadata.labels, previous.metadata.labels)
  );
}

export const hasSelector = (service: Service): boolean => service.spec?.selector !== undefined;

function selects(service: Service, pod: Pod): boolean {
  return hasSelector(service) && hasLabels(pod.metadata.labels, service.spec?.selector);
}

/** The pods of a Service that have an address and have not finished. */
export function podsOf(service: Service, pods: Informer<Pod>): Pod[] {
  const inNamespace = pods.list(service.metadata.namespace);
  return inNamespace.filter((pod) => selects(service, pod) && !isFinished(pod) && Boolean(pod.status?.podIP));
}

export type IpFamily = 'IPv4' | 'IPv6';

/** The pod's addresses of that family. */
export function addressesOf({ status }: Pod, family: IpFamily): string[] {
  const all = status?.podIPs?.length ? status.podIPs.map(({ ip }) => ip) : [status?.podIP];
  return all.filter((ip): ip is string => Boolean(ip) && ip!.includes(':') === (family === 'IPv6'));
}

/** The ports of the Service as this pod serves them; a name that no container has gives none. */
export function portsOf(service: Service, pod: Pod): PortOfPod[] {
  const ports: PortOfPod[] = [];
  for (const servicePort of service.spec?.ports ?? []) {
    const protocol = servicePort.protocol ?? 'TCP';
    const port = targetPort(servicePort, pod);
    if (port === undefined) continue;
    const { name = '', appProtocol } = servicePort;
    ports.push({ name, port, protocol, ...(appProtocol ? { appProtocol } : {}) });
  }
  return ports;
}

function targetPort({ targetPort: target, port, protocol = 'TCP' }: ServicePort, pod: Pod): number | undefined {
  if (target === undefined || target === 0 || target === '') return port;
  if (typeof target === 'number') return target;
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    const found = container.ports?.find((each) => each.name === target && (each.protocol ?? 'TCP') === protocol);
    if (found) return found.containerPort;
  }
  return undefined;
}

/** No virtual address: names of the Service lead to its pods. */
export function isHeadless(service: Service): boolean {
  const { clusterIP } = service.spec ?? {};
  return !clusterIP || clusterIP === 'None';
}

/** The name that DNS gives this pod under the Service. */
export function hostnameOf(service: Service, pod: Pod): string | undefined {
  const { hostname, subdomain } = pod.spec ?? {};
  const isNamed =
    hostname && subdomain === service.metadata.name && pod.metadata.namespace === service.metadata.namespace;
  return isNamed ? hostname : undefined;
}

export function targetOf(pod: Pod): { kind: string; namespace: string; name: string; uid: string } {
  const { namespace = '', name, uid = '' } = pod.metadata;
  return { kind: 'Pod', namespace, name, uid };
}
