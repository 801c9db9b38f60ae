// Service links: the variables of `docker --link` for each service of a namespace, and the API server's for all.
import type { Service } from '../../../generated/core-v1.ts';

const upper = (name: string): string => name.toUpperCase().replaceAll('-', '_');

function isUsable(service: Service): boolean {
  const ip = service.spec.clusterIP;
  return ip !== undefined && ip !== '' && ip !== 'None' && (service.spec.ports?.length ?? 0) > 0;
}

/** Services of the pod's namespace when it wants links; always the `kubernetes` service of `default`. */
export function serviceEnvironment(
  services: readonly Service[],
  namespace: string,
  wantsLinks: boolean,
): Map<string, string> {
  const chosen = new Map<string, Service>();
  for (const service of services) {
    const { name } = service.metadata;
    if (!isUsable(service)) continue;
    if (service.metadata.namespace === namespace && wantsLinks) chosen.set(name, service);
    else if (service.metadata.namespace === 'default' && name === 'kubernetes' && !chosen.has(name))
      chosen.set(name, service);
  }
  const result = new Map<string, string>();
  for (const service of chosen.values()) for (const [key, value] of variablesOf(service)) result.set(key, value);
  return result;
}

function* variablesOf(service: Service): Generator<[string, string]> {
  const prefix = upper(service.metadata.name);
  const ip = service.spec.clusterIP!;
  const host = ip.includes(':') ? `[${ip}]` : ip;
  const ports = service.spec.ports!;
  yield [`${prefix}_SERVICE_HOST`, ip];
  yield [`${prefix}_SERVICE_PORT`, String(ports[0]!.port)];
  for (const { name, port } of ports) if (name) yield [`${prefix}_SERVICE_PORT_${upper(name)}`, String(port)];
  for (const [index, { port, protocol = 'TCP' }] of ports.entries()) {
    const scheme = protocol.toLowerCase();
    const url = `${scheme}://${host}:${port}`;
    const own = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
    if (index === 0) yield [`${prefix}_PORT`, url];
    yield [own, url];
    yield [`${own}_PROTO`, scheme];
    yield [`${own}_PORT`, String(port)];
    yield [`${own}_ADDR`, ip];
  }
}
