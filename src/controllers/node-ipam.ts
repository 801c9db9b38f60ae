import type { Node } from '../../generated/core-v1.ts';
import { nodeKind } from '../../generated/kinds.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';

/** Gives each node a network for its pods, out of the cluster's. */
export function nodeIpamController(clusterCidr: string, nodeMaskSize = 24): ControllerDefinition {
  const pool = parsePool(clusterCidr, nodeMaskSize);
  return {
    name: 'node-ipam',
    setup({ client, informers, recorder }, queue) {
      const nodes = informers.informer(nodeKind);
      const events = recorder('cidrAllocator');
      /** Networks in use, and by whom. */
      const taken = new Map<string, string>();
      const note = (node: Node) => {
        if (node.spec?.podCIDR) taken.set(node.spec.podCIDR, node.metadata.name);
        else queue.add(node.metadata.name);
      };
      nodes.onChange({
        added: note,
        updated: note,
        deleted: ({ spec, metadata }) => {
          if (spec?.podCIDR && taken.get(spec.podCIDR) === metadata.name) taken.delete(spec.podCIDR);
        },
      });
      return {
        name: 'node-ipam',
        workers: 1,
        async reconcile(name) {
          const node = nodes.find(name);
          if (!node || node.spec?.podCIDR || node.metadata.deletionTimestamp) return;
          const podCIDR = pool.find((cidr) => !taken.has(cidr));
          if (!podCIDR) {
            events.event(
              about(nodeKind, node),
              'Normal',
              'CIDRNotAvailable',
              `Node ${name} status is now: CIDRNotAvailable`,
            );
            throw new Error(`no network left in ${clusterCidr} for node "${name}"`);
          }
          taken.set(podCIDR, name);
          try {
            const patch = { metadata: { uid: node.metadata.uid }, spec: { podCIDR, podCIDRs: [podCIDR] } };
            await client.resource(nodeKind).patch({ namespace: '', name }, patch, { type: 'strategic' });
          } catch (error) {
            taken.delete(podCIDR);
            throw error;
          }
        },
      };
    },
  };
}

interface Pool {
  /** The first network that passes, after the one given last: one that was just freed may still be in use somewhere. */
  find(isFree: (cidr: string) => boolean): string | undefined;
}

function parsePool(clusterCidr: string, nodeMaskSize: number): Pool {
  const [address = '', mask = ''] = clusterCidr.split('/');
  const bits = Number(mask);
  const octets = address.split('.').map(Number);
  const isValid = octets.length === 4 && octets.every((octet) => octet >= 0 && octet <= 255) && bits <= nodeMaskSize;
  if (!isValid)
    throw new Error(`cluster CIDR: must be an IPv4 network of at most /${nodeMaskSize}, got "${clusterCidr}"`);
  const size = 2 ** (32 - nodeMaskSize);
  const base = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const first = base - (base % 2 ** (32 - bits));
  const count = 2 ** (nodeMaskSize - bits);
  let next = 0;
  return {
    find(isFree) {
      for (let tried = 0; tried < count; tried++) {
        const index = (next + tried) % count;
        const cidr = `${dotted(first + index * size)}/${nodeMaskSize}`;
        if (!isFree(cidr)) continue;
        next = index + 1;
        return cidr;
      }
      return undefined;
    },
  };
}

const dotted = (address: number) => [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
