// The fixed part of the table of policies. Pods that a policy is about are looked up by address, first as the ones who
// send, then as the ones who get; who is in neither map may do as it likes. The node itself is not asked: its own packets
// are not forwarded.
import type { IpFamily } from '../addresses.ts';
import { type Command, emptyTable } from '../nftables/nft.ts';
import { concat, match, payload, type Rule } from '../nftables/rule-set.ts';
import { type Direction, namesOf } from './compile-policy.ts';

export const policyTableName = (clusterName: string) => `coracle-${clusterName}-policies`;

/** A pod always reaches itself, through a service too. */
export const selfSet = 'self';

const accept = { accept: null };

function rulesOf(direction: Direction, family: IpFamily): Rule[] {
  const { packets } = namesOf(family);
  const [source, destination] = [payload(packets, 'saddr'), payload(packets, 'daddr')];
  return [
    [match({ ct: { key: 'state' } }, ['established', 'related'], 'in'), accept],
    [match(concat(source, destination), `@${selfSet}`), accept],
    [{ vmap: { key: direction === 'egress' ? source : destination, data: `@${direction}` } }],
  ];
}

/** Commands that replace whatever the table of that family holds by its fixed part. */
export function planPolicyBase(table: string, family: IpFamily): Command[] {
  const { packets, address } = namesOf(family);
  const at = { family: packets, table };
  // After the services have said where a packet really goes, each direction in a chain of its own: to be let out is not to be let in.
  const hooks: readonly { direction: Direction; prio: number }[] = [
    { direction: 'egress', prio: -10 },
    { direction: 'ingress', prio: -9 },
  ];
  return [
    ...emptyTable(packets, table),
    { add: { set: { ...at, name: selfSet, type: [address, address] } } },
    ...hooks.flatMap(({ direction, prio }) => [
      { add: { map: { ...at, name: direction, type: address, map: 'verdict' } } },
      {
        add: { chain: { ...at, name: `check-${direction}`, type: 'filter', hook: 'forward', prio, policy: 'accept' } },
      },
      ...rulesOf(direction, family).map((expr) => ({ add: { rule: { ...at, chain: `check-${direction}`, expr } } })),
    ]),
  ];
}
