// Service. Cluster IPs and node ports are given out by the API server, which alone knows what is taken.
import type { Service, ServiceSpec } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { labelNameRule } from '../meta/names.ts';
import { keepStatus, statusRules } from '../meta/strategy.ts';
import { serviceColumns } from './service-columns.ts';
import { hasExternalReach } from './service-reach.ts';
import { dropWhatTheTypeLacks } from './service-type-change.ts';
import { validateServiceUpdate } from './service-update-validation.ts';
import { validateService, validateServiceStatus } from './service-validation.ts';
import { serviceWarnings } from './service-warnings.ts';

const affinityTimeoutSeconds = 10800;

export const serviceKind: KindDefinition<Service> = {
  group: '',
  version: 'v1',
  kind: 'Service',
  nameRule: labelNameRule,
  allowsCreateOnUpdate: true,
  returnsDeletedObject: true,
  defaults,
  prepareForCreate: (service) => {
    service.status = { loadBalancer: {} };
    adoptClusterIp(service.spec!);
  },
  prepareForUpdate: (next, current) => {
    keepStatus(next, current);
    dropWhatTheTypeLacks(next.spec!, current.spec!);
    if (next.spec!.type !== 'LoadBalancer') next.status = { ...next.status, loadBalancer: {} };
    adoptClusterIp(next.spec!);
  },
  validateCreate: (service, errors) => validateService(service, errors),
  validateUpdate(next, current, errors) {
    validateServiceUpdate(next, current, errors);
    validateService(next, errors, current);
  },
  subresources: { status: statusRules({ validateUpdate: validateServiceStatus }) },
  warnings: (service) => serviceWarnings(service),
  columns: serviceColumns,
};

function defaults(service: Service): void {
  service.spec ??= {};
  const spec = service.spec;
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? affinityTimeoutSeconds;
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: seconds } };
  }
  spec.type ||= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  if (hasExternalReach(spec)) spec.externalTrafficPolicy ||= 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
  if (spec.type === 'LoadBalancer') {
    for (const ingress of service.status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
  }
}

/** `clusterIP` is the old, `clusterIPs` the new name of the same; a client may send either. */
function adoptClusterIp(spec: ServiceSpec): void {
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
}
