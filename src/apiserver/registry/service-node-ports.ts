// Which node ports a Service gets: those it names, one number for all protocols of a port, a new one where none is named.
import type { Service, ServicePort } from '../../../generated/core-v1.ts';
import { FieldErrors, path } from '../../api/meta/field-errors.ts';
import { internalError, invalid, unexplained } from '../../api/meta/status-error.ts';
import type { NumberPool } from './number-pool.ts';
import { givesOutNodePorts, mayHaveNodePorts, needsHealthCheckPort, nodePortsOf } from './service-families.ts';

/** What a request takes out of the pool; a dry run counts upwards instead. */
export interface PortClaims {
  /** Why the number can not be had; undefined when it is held now. */
  claim(port: number): string | undefined;
  next(): number;
}

const firstOfDryRuns = 32_769;

export function createPortClaims(pool: NumberPool, held: number[], range: string, isDryRun: boolean): PortClaims {
  const asked: number[] = [];
  const problemOf = (port: number): string | undefined => {
    if (!isDryRun && !pool.isInRange(port)) {
      return `provided port is not in the valid range. The range of valid ports is ${range}`;
    }
    return pool.isFree(port) && !asked.includes(port) ? undefined : 'provided port is already allocated';
  };
  const take = (): number => {
    if (isDryRun) return asked.length > 0 ? Math.max(...asked) + 1 : firstOfDryRuns;
    const taken = pool.take();
    if (taken === undefined) throw internalError('failed to allocate a nodePort: range is full');
    held.push(taken);
    return taken;
  };
  return {
    claim(port) {
      const problem = problemOf(port);
      if (problem) return problem;
      asked.push(port);
      if (isDryRun) return undefined;
      pool.hold(port);
      held.push(port);
      return undefined;
    },
    next() {
      const port = take();
      asked.push(port);
      return port;
    },
  };
}

/** Fills in what is open. @throws StatusError 422 where a number can not be had */
export function reserveNodePorts(service: Service, before: Service | undefined, claims: PortClaims): void {
  if (mayHaveNodePorts(service)) {
    if (before) updatePorts(service, before, claims);
    else createPorts(service, claims);
  }
  const { spec } = service;
  if (!spec || !needsHealthCheckPort(service) || (before && needsHealthCheckPort(before))) return;
  if (!spec.healthCheckNodePort) {
    spec.healthCheckNodePort = claims.next();
    return;
  }
  const problem = claims.claim(spec.healthCheckNodePort);
  if (problem) {
    throw internalError(`failed to allocate requested HealthCheck NodePort ${spec.healthCheckNodePort}: ${problem}`);
  }
}

/** Ports of one number share a node port: DNS asks by UDP and TCP. */
function createPorts(service: Service, claims: PortClaims): void {
  const given = new Map<number, number>();
  const ports = service.spec?.ports ?? [];
  for (const [index, port] of ports.entries()) {
    if (!port.nodePort && !givesOutNodePorts(service)) continue;
    const known = given.get(port.port);
    if (known === undefined) {
      const named = ports.find((each) => each.port === port.port && each.nodePort)?.nodePort;
      if (named) claimOne(service, index, named, claims);
      port.nodePort = named ?? claims.next();
      given.set(port.port, port.nodePort);
    } else if (!port.nodePort) port.nodePort = known;
    else if (port.nodePort !== known) claimOne(service, index, port.nodePort, claims);
  }
}

function updatePorts(service: Service, before: Service, claims: PortClaims): void {
  const own = new Set(nodePortsOf({ ...before, spec: { ...before.spec, healthCheckNodePort: 0 } }));
  const claimed = new Set<number>();
  const seen = new Set<string>();
  for (const [index, port] of (service.spec?.ports ?? []).entries()) {
    if (!port.nodePort && !givesOutNodePorts(service)) continue;
    if (!port.nodePort) port.nodePort = claims.next();
    else if (!own.has(port.nodePort) && !claimed.has(port.nodePort)) {
      claimOne(service, index, port.nodePort, claims);
      claimed.add(port.nodePort);
    }
    const key = `${port.protocol} ${port.nodePort}`;
    if (seen.has(key)) throw doubled(port);
    seen.add(key);
  }
}

const doubled = ({ protocol, nodePort }: ServicePort) => unexplained(`duplicate nodePort: {${protocol} ${nodePort}}`);

function claimOne(service: Service, index: number, port: number, claims: PortClaims): void {
  const problem = claims.claim(port);
  if (!problem) return;
  const errors = new FieldErrors();
  errors.invalid(path('spec.ports').index(index).child('nodePort'), port, problem);
  throw invalid({ group: '', name: 'Service' }, service.metadata.name ?? '', errors.summary(), errors.causes());
}
