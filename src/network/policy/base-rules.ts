// The fixed part of the table of policies. Pods that a policy is about are looked up by address, first as the ones who
// send, then as the ones who get; who is in neither map may do as it likes. The node itself is not asked: its own packets
// are not forwarded.
import { type Command, emptyTable } from '../nftables/nft.ts';
import { concat, match, payload, type Rule } from '../nftables/rule-set.ts';
import type { Direction } from './compile-policy.ts';

export const policyTableName = (clusterName: string) => `coracle-${clusterName}-policies`;

/** A pod always reaches itself, through a service too. */
export const selfSet = 'self';

const address = 'ipv4_addr';
const source = payload('ip', 'saddr');
const destination = payload('ip', 'daddr');
const accept = { accept: null };

function rulesOf(direction: Direction): Rule[] {
  const pod = direction === 'egress' ? source : destination;
  return [
    [match({ ct: { key: 'state' } }, ['established', 'related'], 'in'), accept],
    [match(concat(source, destination), `@${selfSet}`), accept],
    [{ vmap: { key: pod, data: `@${direction}` } }],
  ];
}

/** Commands that replace whatever the table holds by its fixed part. */
export function planPolicyBase(table: string): Command[] {
  const at = { family: 'ip', table };
  // After the services have said where a packet really goes, each direction in a chain of its own: to be let out is not to be let in.
  const hooks: readonly { direction: Direction; prio: number }[] = [
    { direction: 'egress', prio: -10 },
    { direction: 'ingress', prio: -9 },
  ];
  return [
    ...emptyTable('ip', table),
    { add: { set: { ...at, name: selfSet, type: [address, address] } } },
    ...hooks.flatMap(({ direction, prio }) => [
      { add: { map: { ...at, name: direction, type: address, map: 'verdict' } } },
      {
        add: { chain: { ...at, name: `check-${direction}`, type: 'filter', hook: 'forward', prio, policy: 'accept' } },
      },
      ...rulesOf(direction).map((expr) => ({ add: { rule: { ...at, chain: `check-${direction}`, expr } } })),
    ]),
  ];
}
