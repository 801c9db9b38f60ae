import type { Node } from '../../generated/core-v1.ts';
import { nodeKind } from '../../generated/kinds.ts';
import { formatIp, parseCidr } from '../api/meta/ip-address.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';

/** Prefix length of a node's range of IPv6, as upstream has it. */
const nodePrefixOf6 = 64;
/** As many as upstream allows below one range of the cluster. */
const mostPrefixBits = 16;

/**
 * Gives each node networks for its pods, out of the cluster's: one of each.
 *
 * @param clusterCidr one range, or one of each family with a comma between
 */
export function nodeIpamController(clusterCidr: string, nodeMaskSize = 24): ControllerDefinition {
  const pools = clusterCidr.split(',').map((cidr) => parsePool(cidr.trim(), nodeMaskSize));
  return {
    name: 'node-ipam',
    setup({ client, informers, recorder }, queue) {
      const nodes = informers.informer(nodeKind);
      const events = recorder('cidrAllocator');
      /** Networks in use, and by whom. */
      const taken = new Map<string, string>();
      const note = (node: Node) => {
        for (const cidr of rangesOf(node)) taken.set(cidr, node.metadata.name);
        if (rangesOf(node).length === 0) queue.add(node.metadata.name);
      };
      nodes.onChange({
        added: note,
        updated: note,
        deleted: (node) => {
          for (const cidr of rangesOf(node)) if (taken.get(cidr) === node.metadata.name) taken.delete(cidr);
        },
      });
      return {
        name: 'node-ipam',
        workers: 1,
        async reconcile(name) {
          const node = nodes.find(name);
          if (!node || rangesOf(node).length > 0 || node.metadata.deletionTimestamp) return;
          const podCIDRs = pools.flatMap((pool) => pool.find((cidr) => !taken.has(cidr)) ?? []);
          if (podCIDRs.length < pools.length) {
            events.event(
              about(nodeKind, node),
              'Normal',
              'CIDRNotAvailable',
              `Node ${name} status is now: CIDRNotAvailable`,
            );
            throw new Error(`no network left in ${clusterCidr} for node "${name}"`);
          }
          for (const cidr of podCIDRs) taken.set(cidr, name);
          try {
            const patch = { metadata: { uid: node.metadata.uid }, spec: { podCIDR: podCIDRs[0]!, podCIDRs } };
            await client.resource(nodeKind).patch({ namespace: '', name }, patch, { type: 'strategic' });
          } catch (error) {
            for (const cidr of podCIDRs) taken.delete(cidr);
            throw error;
          }
        },
      };
    },
  };
}

const rangesOf = ({ spec }: Node): readonly string[] => spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);

interface Pool {
  /** The first network that passes, after the one given last: one that was just freed may still be in use somewhere. */
  find(isFree: (cidr: string) => boolean): string | undefined;
}

function parsePool(clusterCidr: string, nodeMaskSize: number): Pool {
  const range = parseCidr(clusterCidr);
  const nodeBits = range?.family === 6 ? nodePrefixOf6 : nodeMaskSize;
  const isUsable = range && range.prefix <= nodeBits && nodeBits - range.prefix <= mostPrefixBits;
  if (!isUsable) {
    const sizes = `of at most /${nodeBits} and at least /${nodeBits - mostPrefixBits}`;
    throw new Error(`cluster CIDR: must be a network ${sizes}, got "${clusterCidr}"`);
  }
  const { family, start, prefix } = range;
  const size = 1n << BigInt((family === 4 ? 32 : 128) - nodeBits);
  const count = 2 ** (nodeBits - prefix);
  let next = 0;
  return {
    find(isFree) {
      for (let tried = 0; tried < count; tried++) {
        const index = (next + tried) % count;
        const cidr = `${formatIp({ family, bits: start + BigInt(index) * size })}/${nodeBits}`;
        if (!isFree(cidr)) continue;
        next = index + 1;
        return cidr;
      }
      return undefined;
    },
  };
}
