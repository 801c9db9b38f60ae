// Which endpoints a service port leads to: the choice upstream makes, from slices alone.
import type { Endpoint, EndpointSlice } from '../../../generated/discovery-v1.ts';
import { familyOf, type IpFamily, isRoutable } from '../addresses.ts';

export interface UsableEndpoint {
  readonly address: string;
  readonly port: number;
  readonly isLocal: boolean;
}

export interface EndpointQuestion {
  readonly family: IpFamily;
  /** The service port's name; '' where it has none. */
  readonly portName: string;
  readonly protocol: string;
  readonly nodeName: string;
  /** This node's zone, where it has one. */
  readonly zone?: string | undefined;
  /** A pod of this node that is going away, by `namespace/name`: known here before its slice says so. */
  readonly isLeaving?: (podKey: string) => boolean;
  /** A further node of this machine, which nobody outside reaches but through this one. */
  readonly isFurther?: (nodeName: string) => boolean;
}

export interface EndpointChoice {
  /** Of the cluster, or of this node's part of it where all of them say which part they are for. */
  readonly everywhere: readonly UsableEndpoint[];
  readonly local: readonly UsableEndpoint[];
  /** On further nodes of this machine. */
  readonly further: readonly UsableEndpoint[];
  /** Addresses of ready ones on this node. */
  readonly readyHere: readonly string[];
}

interface Candidate extends UsableEndpoint {
  readonly isFurther: boolean;
  readonly isReady: boolean;
  readonly isDraining: boolean;
  readonly hints: Endpoint['hints'];
}

/**
 * Ready ones, near ones before others; where none is ready, those that still serve while they terminate. The same again
 * among local ones, however near.
 */
export function chooseEndpoints(slices: readonly EndpointSlice[], question: EndpointQuestion): EndpointChoice {
  const candidates = [...unique(slices.flatMap((slice) => candidatesOf(slice, question))).values()];
  const isLocal = candidates.filter((each) => each.isLocal);
  return {
    everywhere: readyOrDraining(near(candidates, question)),
    local: readyOrDraining(isLocal),
    further: readyOrDraining(candidates.filter(({ isFurther }) => isFurther)),
    readyHere: [...new Set(isLocal.filter(({ isReady }) => isReady).map(({ address }) => address))],
  };
}

/** Hints count when every ready endpoint has one and this node, or else its zone, is among them. */
function near(candidates: readonly Candidate[], { nodeName, zone }: EndpointQuestion): readonly Candidate[] {
  const ready = candidates.filter(({ isReady }) => isReady);
  if (ready.length === 0) return candidates;
  const forNode = byHint(ready, nodeName, ({ hints }) => hints?.forNodes);
  if (forNode.length > 0) return forNode;
  const forZone = byHint(ready, zone, ({ hints }) => hints?.forZones);
  return forZone.length > 0 ? forZone : candidates;
}

function byHint(
  ready: readonly Candidate[],
  own: string | undefined,
  placesOf: (candidate: Candidate) => readonly { readonly name: string }[] | undefined,
): readonly Candidate[] {
  if (!ready.every((each) => placesOf(each)?.length)) return [];
  return ready.filter((each) => placesOf(each)?.some(({ name }) => name === own));
}

function readyOrDraining(candidates: readonly Candidate[]): UsableEndpoint[] {
  const ready = candidates.filter(({ isReady }) => isReady);
  const chosen = ready.length > 0 ? ready : candidates.filter(({ isDraining }) => isDraining);
  return chosen.map(({ address, port, isLocal }) => ({ address, port, isLocal }));
}

/** An endpoint may be in two slices while it moves between them: the readier one counts. Order: by address and port. */
function unique(candidates: readonly Candidate[]): Map<string, Candidate> {
  const found = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const key = `${candidate.address} ${candidate.port}`;
    const other = found.get(key);
    if (!other || (!other.isReady && candidate.isReady)) found.set(key, candidate);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function candidatesOf(slice: EndpointSlice, question: EndpointQuestion): Candidate[] {
  if (slice.addressType !== question.family) return [];
  const ports = (slice.ports ?? []).filter(
    (port) => (port.name ?? '') === question.portName && (port.protocol ?? 'TCP') === question.protocol && port.port,
  );
  return ports.flatMap((port) =>
    (slice.endpoints ?? []).flatMap((endpoint): Candidate[] => {
      // One address an endpoint: the others are by contract the same.
      const address = endpoint.addresses[0];
      if (!address || familyOf(address) !== question.family || !isRoutable(address)) return [];
      const { ready = true, serving = ready, terminating = false } = endpoint.conditions ?? {};
      const { targetRef } = endpoint;
      const isLeaving =
        targetRef?.kind === 'Pod' && question.isLeaving?.(`${targetRef.namespace}/${targetRef.name}`) === true;
      return [
        {
          address,
          port: port.port!,
          isLocal: endpoint.nodeName === question.nodeName,
          isFurther: endpoint.nodeName !== undefined && question.isFurther?.(endpoint.nodeName) === true,
          isReady: ready && !isLeaving,
          isDraining: (serving && terminating) || (ready && isLeaving),
          hints: endpoint.hints,
        },
      ];
    }),
  );
}
