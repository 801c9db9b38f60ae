// Ways to the pods of other nodes where the pod network is encrypted: all of them through one device of WireGuard, and where
// a node has told of no key, none at all.
import type { Node } from '../../../generated/core-v1.ts';
import type { Logger } from '../../base/log.ts';
import { gatewayOf, rangeOf } from '../addresses.ts';
import { tunnelName, wireGuardName } from './names.ts';
import { refusePlainPackets } from './plain-guard.ts';
import { peersOf } from './plan-routes.ts';
import { planEncrypted } from './plan-wireguard.ts';
import { applyRoutes } from './route-table.ts';
import { applyPeers, encryptedPacketSize, ensureWireGuard, onProgramEnd } from './wireguard-device.ts';
import { annotationsOf, wireGuardOf } from './wireguard-end.ts';

export interface EncryptionOptions {
  /** Holds this node's private key; made when it is not there. */
  readonly keyFile: string;
  /** Puts annotations on this node's own object, which tell the others of its public key. */
  readonly publish: (annotations: Readonly<Record<string, string>>) => Promise<void>;
}

export interface NodePlace {
  readonly clusterName: string;
  readonly nodeName: string;
  /** The node that this one is on, when it is not a machine itself. */
  readonly machine?: string | undefined;
  /** This node's. */
  readonly address: string;
  /** This node's range, and the whole cluster's; or one of each family with a comma between. */
  readonly podCidr: string;
  readonly clusterPodCidr: string;
  /** Pods that are made from now on should send no larger packets: more does not fit through on its way. */
  readonly onPacketSize?: (bytes: number) => Promise<void>;
  readonly log: Logger;
}

export interface EncryptedRoutes extends Disposable {
  /** @throws CommandFailure, or what publishing throws */
  sync(nodes: readonly Node[]): Promise<void>;
}

/** @param look to be called when this node must look again */
export function createEncryptedRoutes(
  options: NodePlace,
  { keyFile, publish }: EncryptionOptions,
  look: () => void,
): EncryptedRoutes {
  const { clusterName, nodeName, machine, address, podCidr, clusterPodCidr, log } = options;
  const device = wireGuardName(clusterName, nodeName);
  const ownOf6 = rangeOf(podCidr, 'IPv6');
  const told = new Map<string, string>();
  let program: Disposable | undefined;
  let lastKeyless = '';
  return {
    async sync(nodes) {
      const { publicKey, port, isNew } = await ensureWireGuard({ device, keyFile, address, podCidr });
      if (isNew) {
        program?.[Symbol.dispose]();
        program = undefined;
      }
      program ??= onProgramEnd(device, look);
      const own = { publicKey, endpoint: `${address}:${port}` };
      const known = nodes.find(({ metadata }) => metadata.name === nodeName);
      const isKnown = known && JSON.stringify(wireGuardOf(known)) === JSON.stringify(own);
      if (!isKnown) await publish(annotationsOf(own));
      const plan = planEncrypted(peersOf(nodes, nodeName), { nodeName, machine, publicKey, device, clusterPodCidr });
      await refusePlainPackets(clusterName, device, clusterPodCidr);
      await applyPeers(device, plan.peers, told);
      const sourceOf6 = ownOf6 && gatewayOf(ownOf6);
      const tunnelDevice = tunnelName(clusterName);
      await applyRoutes(plan.routes, { clusterPodCidr, tunnelDevice, sourceOf6, refusesOthers: true });
      await options.onPacketSize?.(await encryptedPacketSize(address));
      const keyless = plan.keyless.join(' ');
      if (keyless && keyless !== lastKeyless) log.info('nodes that tell of no key get no packets', { keyless });
      lastKeyless = keyless;
    },
    [Symbol.dispose]() {
      program?.[Symbol.dispose]();
    },
  };
}
