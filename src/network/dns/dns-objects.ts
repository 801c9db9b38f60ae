// What the cluster must hold for its DNS to be found: the Service every pod's resolv.conf names, and where it leads.
import type { Service } from '../../../generated/core-v1.ts';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import type { NewObject } from '../../client/client.ts';
import { addressAt } from '../addresses.ts';
import { dnsPort } from './dns-server.ts';

export interface DnsObjectsOptions {
  readonly serviceCidr: string;
  readonly nodeName: string;
  /** Where this node's server listens. */
  readonly address: string;
  readonly port?: number;
  readonly metricsPort?: number;
}

export interface DnsObjects {
  /** One for the cluster. */
  readonly service: NewObject<Service>;
  /** One for each node. */
  readonly endpointSlice: NewObject<EndpointSlice>;
}

/** The address in every pod's resolv.conf: the tenth of the service range. */
export function dnsServiceAddress(serviceCidr: string): string {
  return addressAt(serviceCidr, 10);
}

export function dnsObjects(options: DnsObjectsOptions): DnsObjects {
  const { port = dnsPort, metricsPort, nodeName, address } = options;
  const clusterIP = dnsServiceAddress(options.serviceCidr);
  const labels = { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' };
  const ports = [
    { name: 'dns', protocol: 'UDP' as const, port: 53, inner: port },
    { name: 'dns-tcp', protocol: 'TCP' as const, port: 53, inner: port },
    ...(metricsPort ? [{ name: 'metrics', protocol: 'TCP' as const, port: 9153, inner: metricsPort }] : []),
  ];
  return {
    service: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: 'kube-system', labels },
      spec: {
        clusterIP,
        clusterIPs: [clusterIP],
        // No selector: the server is part of the node, not a pod.
        ports: ports.map(({ name, protocol, port }) => ({ name, protocol, port, targetPort: port })),
      },
    },
    endpointSlice: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `kube-dns-${nodeName}`.slice(0, 253),
        namespace: 'kube-system',
        labels: {
          'k8s-app': 'kube-dns',
          'kubernetes.io/service-name': 'kube-dns',
          'endpointslice.kubernetes.io/managed-by': 'coracle',
        },
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: [address], conditions: { ready: true, serving: true, terminating: false }, nodeName }],
      ports: ports.map(({ name, protocol, inner }) => ({ name, protocol, port: inner })),
    },
  };
}
