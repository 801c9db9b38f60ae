// Where the pod network is encrypted, packets from pods to pods come out of WireGuard, which knows who sent them. Whoever
// sends them to a node as they are is somebody else, and is not heard.
import { familyOfRange, rangesIn } from '../addresses.ts';
import { bridgeName } from '../cni/bridge-name.ts';
import { emptyTable, nft, removeTable } from '../nftables/nft.ts';
import { inRange, match, meta, payload } from '../nftables/rule-set.ts';

const guardTableName = (clusterName: string) => `coracle-${clusterName}.plain`;

/** May be repeated. @param device of WireGuard @throws CommandFailure */
export async function refusePlainPackets(clusterName: string, device: string, clusterPodCidr: string): Promise<void> {
  const table = guardTableName(clusterName);
  const ways = { set: ['lo', bridgeName(clusterName), device] };
  const commands = rangesIn(clusterPodCidr).flatMap((cluster) => {
    const family = familyOfRange(cluster) === 'IPv6' ? 'ip6' : 'ip';
    const at = { family, table };
    const expr = [
      match(meta('iifname'), ways, '!='),
      match(payload(family, 'saddr'), inRange(cluster)),
      match(payload(family, 'daddr'), inRange(cluster)),
      { drop: null },
    ];
    return [
      ...emptyTable(family, table),
      { add: { chain: { ...at, name: 'arriving', type: 'filter', hook: 'prerouting', prio: -300, policy: 'accept' } } },
      { add: { rule: { ...at, chain: 'arriving', expr } } },
    ];
  });
  await nft.apply(commands);
}

/** May be repeated. */
export const allowPlainPackets = (clusterName: string): Promise<void> => removeTable(guardTableName(clusterName));
