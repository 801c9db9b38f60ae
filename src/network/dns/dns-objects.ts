// What the cluster must hold for its DNS to be found: the Service every pod's resolv.conf names, and where it leads.
import type { Service } from '../../../generated/core-v1.ts';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { addressAt } from '../addresses.ts';

/** Where the servers listen. Not 53: that one is often taken on every address of a machine by its own resolver. */
export const dnsPort = 1053;

/** Where each of them shows its figures. */
export const dnsMetricsPort = 9153;

export interface DnsObjectsOptions {
  readonly serviceCidr: string;
  /** Where each node's server listens. */
  readonly servers: readonly { readonly nodeName: string; readonly address: string }[];
  readonly port?: number;
  readonly metricsPort?: number;
}

export interface DnsObjects {
  readonly service: Service;
  readonly endpointSlice: EndpointSlice;
}

/** The address in every pod's resolv.conf: the tenth of the service range. */
export function dnsServiceAddress(serviceCidr: string): string {
  return addressAt(serviceCidr, 10);
}

const place = { name: 'kube-dns', namespace: 'kube-system' };

export function dnsObjects(options: DnsObjectsOptions): DnsObjects {
  const { port: inner = dnsPort, metricsPort, servers } = options;
  const clusterIP = dnsServiceAddress(options.serviceCidr);
  const ports = [
    { name: 'dns', protocol: 'UDP' as const, port: 53, targetPort: inner },
    { name: 'dns-tcp', protocol: 'TCP' as const, port: 53, targetPort: inner },
    ...(metricsPort ? [{ name: 'metrics', protocol: 'TCP' as const, port: 9153, targetPort: metricsPort }] : []),
  ];
  const labels = { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' };
  return {
    service: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...place, labels },
      // No selector: the server is part of each node, not a pod. Each node asks its own.
      spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports, internalTrafficPolicy: 'Local' },
    },
    endpointSlice: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        ...place,
        labels: {
          'k8s-app': 'kube-dns',
          'kubernetes.io/service-name': place.name,
          'endpointslice.kubernetes.io/managed-by': 'coracle',
        },
      },
      addressType: 'IPv4',
      endpoints: servers.map(({ nodeName, address }) => ({
        addresses: [address],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName,
      })),
      ports: ports.map(({ name, protocol, targetPort }) => ({ name, protocol, port: targetPort })),
    },
  };
}
