// What nodes tell each other of their ends of WireGuard: in annotations of their Nodes, each of which only its own node may
// write. Whatever is read there goes into arguments of programs, so it is one of ours or nothing.
import type { Node } from '../../../generated/core-v1.ts';
import { familyOf } from '../addresses.ts';
import { isWireGuardKey } from './wireguard-key.ts';

const keyAnnotation = 'coracle.dev/wireguard-public-key';
const endpointAnnotation = 'coracle.dev/wireguard-endpoint';

/** A node's end, as it tells the others. */
export interface WireGuardEnd {
  readonly publicKey: string;
  /** `192.0.2.2:51820` */
  readonly endpoint: string;
}

export const annotationsOf = ({ publicKey, endpoint }: WireGuardEnd): Record<string, string> => ({
  [keyAnnotation]: publicKey,
  [endpointAnnotation]: endpoint,
});

/** Undefined where the node has told of none, or of something else. */
export function wireGuardOf({ metadata: { annotations } }: Pick<Node, 'metadata'>): WireGuardEnd | undefined {
  const { [keyAnnotation]: publicKey = '', [endpointAnnotation]: endpoint = '' } = annotations ?? {};
  return isWireGuardKey(publicKey) && isEndpoint(endpoint) ? { publicKey, endpoint } : undefined;
}

function isEndpoint(text: string): boolean {
  const [, address, port] = /^([0-9.]+):([0-9]{1,5})$/.exec(text) ?? [];
  return familyOf(address ?? '') === 'IPv4' && Number(port) > 0 && Number(port) < 65_536;
}
