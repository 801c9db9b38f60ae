// Services, slices and pods as short as a test wants them.
import type { Pod, Service, ServiceSpec } from '../../../generated/core-v1.ts';
import type { Endpoint, EndpointSlice } from '../../../generated/discovery-v1.ts';

export function aService(key: string, spec: ServiceSpec, status: Service['status'] = {}): Service {
  const [namespace, name] = key.split('/') as [string, string];
  return {
    metadata: { namespace, name },
    spec: { ports: [{ port: 80, protocol: 'TCP' }], ...spec },
    status: { loadBalancer: {}, ...status },
  } as Service;
}

export interface SliceParts {
  readonly name?: string;
  readonly ports?: EndpointSlice['ports'];
  readonly endpoints: readonly (string | Endpoint)[];
  readonly nodeName?: string;
}

/** A slice of the service's endpoints; an address alone is a ready endpoint on port 8080. */
export function aSlice(service: string, parts: SliceParts): EndpointSlice {
  const [namespace, name] = service.split('/') as [string, string];
  return {
    metadata: { namespace, name: parts.name ?? `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: parts.ports ?? [{ name: '', protocol: 'TCP', port: 8080 }],
    endpoints: parts.endpoints.map((endpoint) =>
      typeof endpoint === 'string'
        ? { addresses: [endpoint], conditions: { ready: true }, nodeName: parts.nodeName ?? 'node-1' }
        : endpoint,
    ),
  } as EndpointSlice;
}

export function aPod(key: string, parts: { spec?: Partial<Pod['spec']>; podIP?: string; phase?: string }): Pod {
  const [namespace, name] = key.split('/') as [string, string];
  return {
    metadata: { namespace, name, uid: `uid-${name}` },
    spec: { containers: [], ...parts.spec },
    status: { podIP: parts.podIP, phase: parts.phase ?? 'Running' },
  } as unknown as Pod;
}
