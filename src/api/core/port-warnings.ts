// Ports of a pod's containers that meet.
import type { Container, ContainerPort } from '../../../generated/core-v1.ts';
import { type FieldPath, goQuote } from '../meta/field-errors.ts';

interface Placed {
  readonly port: ContainerPort;
  readonly at: FieldPath;
}

export function portWarnings(containers: readonly (readonly [Container, FieldPath])[]): string[] {
  const ports: Placed[] = containers.flatMap(([container, at]) =>
    (container.ports ?? []).map((port, index) => ({ port, at: at.child('ports').index(index) })),
  );
  return [...numberWarnings(ports), ...portNameWarnings(ports)];
}

function numberWarnings(ports: readonly Placed[]): string[] {
  const taken = new Map<string, Placed[]>();
  return ports.flatMap((placed) => {
    const { port, at } = placed;
    const { hostIP = '', hostPort = 0, containerPort = 0, protocol = '', name = '' } = port;
    const key = `${containerPort}/${protocol}`;
    const others = taken.get(key) ?? [];
    taken.set(key, [...others, placed]);
    const shown = `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
    const loose = hostIP && !hostPort ? [`${at}: hostIP set without hostPort: ${shown}`] : [];
    return [...loose, ...others.flatMap((other) => meetingWarnings(placed, other))];
  });
}

function meetingWarnings({ port, at }: Placed, other: Placed): string[] {
  const [ip, otherIp] = [port.hostIP ?? '', other.port.hostIP ?? ''];
  const [host, otherHost] = [port.hostPort ?? 0, other.port.hostPort ?? 0];
  if (ip === otherIp && host === otherHost) return [`${at}: duplicate port definition with ${other.at}`];
  if (!host || !otherHost) return [`${at}: overlapping port definition with ${other.at}`];
  // On the same port of the node, one of them on every address of it: who gets what is not said.
  if (host === otherHost && !ip !== !otherIp) {
    return [`${at}: dangerously ambiguous port definition with ${other.at}`];
  }
  return [];
}

function portNameWarnings(ports: readonly Placed[]): string[] {
  const seen = new Map<string, FieldPath>();
  return ports.flatMap(({ port: { name }, at }) => {
    if (!name) return [];
    const first = seen.get(name);
    seen.set(name, first ?? at);
    if (!first) return [];
    const use = `services and probes that select ports by name will use ${first}`;
    return [`${at}: duplicate port name ${goQuote(name)} with ${first}, ${use}`];
  });
}
