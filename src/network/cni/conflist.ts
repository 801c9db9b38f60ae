// The CNI configuration of a node: pods on one bridge, addresses from the node's own range. Host ports, masquerading
// and services are nftables rules of the service proxy, not plugins.

import { rangesIn } from '../addresses.ts';

export interface ConflistOptions {
  readonly clusterName: string;
  readonly bridge: string;
  /** This node's range, or one of each family with a comma between. */
  readonly podCidr: string;
  /** Where host-local remembers which address is whose. */
  readonly ipamDir: string;
  readonly mtu?: number;
}

/** The network's name in CNI, in front of the files that CNI keeps for it. */
export function cniNetworkName(clusterName: string): string {
  return `coracle-${clusterName}`;
}

export function planConflist(options: ConflistOptions): object {
  return {
    cniVersion: '1.0.0',
    name: cniNetworkName(options.clusterName),
    plugins: [
      {
        type: 'bridge',
        bridge: options.bridge,
        isGateway: true,
        isDefaultGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ...(options.mtu && { mtu: options.mtu }),
        ipam: {
          type: 'host-local',
          dataDir: options.ipamDir,
          ranges: rangesIn(options.podCidr).map((subnet) => [{ subnet }]),
        },
      },
    ],
  };
}
