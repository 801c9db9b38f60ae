// What the metrics server is given: a certificate that the API server believes, an address it can be reached at, rights.
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../../generated/rbac-v1.ts';
import { frontProxyNames } from '../../apiserver/security.ts';
import { metricsService } from '../../observe/metrics-server/service.ts';
import { everywhere, inKubeSystem } from '../own-rights.ts';
import type { Pki } from '../pki.ts';
import { hostAddress, type Settings } from '../settings/settings.ts';
import { metricsServer } from './controller-identities.ts';

/** Crosses to the thread of controllers. */
export interface MetricsApiSettings {
  readonly address: string;
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string; readonly clientCa: string };
  readonly proxyNames: readonly string[];
}

/** Undefined on a machine without an address of its own: endpoints may not be loopback. */
export async function metricsApiSettings({ address }: Settings, pki: Pki): Promise<MetricsApiSettings | undefined> {
  const reachable = address.startsWith('127.') ? hostAddress() : address;
  if (reachable.startsWith('127.')) return undefined;
  const serviceName = `${metricsService.name}.${metricsService.namespace}.svc`;
  const pair = await pki.ensure({ file: 'metrics-server', commonName: metricsServer, hosts: [serviceName] });
  return {
    address: reachable,
    tls: { cert: pair.certificate, key: pair.key, ca: pki.ca, clientCa: pki.frontProxyCa },
    proxyNames: frontProxyNames,
  };
}

/** Ask each node what is used, and make its API known; nothing else. */
export function metricsServerRoles(): (ClusterRole | ClusterRoleBinding | Role | RoleBinding)[] {
  const name = 'system:coracle:metrics-server';
  const verbs = ['get', 'create', 'update'];
  return [
    ...everywhere(name, metricsServer, [
      { apiGroups: [''], resources: ['nodes/proxy'], verbs: ['get'] },
      { apiGroups: ['apiregistration.k8s.io'], resources: ['apiservices'], verbs },
    ]),
    ...inKubeSystem(name, metricsServer, [
      { apiGroups: [''], resources: ['services'], verbs },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs },
    ]),
  ];
}
