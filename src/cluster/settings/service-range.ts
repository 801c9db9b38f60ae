// Ranges of a cluster: one of IPv4, or one of each family with a comma between.
import { addressAt, contains, familyOfRange, rangesIn } from '../../network/addresses.ts';
import { exitCodes, UserFailure } from '../failure.ts';

/** The n-th address of the usual service range: `10.96.0.0/16`, 10 → `10.96.0.10`. */
export function serviceIp(serviceCidr: string, index: number): string {
  return addressAt(rangesIn(serviceCidr)[0]!, index);
}

/**
 * An address of a Service must not be one of a pod, and both have addresses of the same families.
 *
 * @throws UserFailure
 */
export function refuseRanges(podCidr: string, serviceCidr: string): void {
  const [pods, services] = [rangesIn(podCidr), rangesIn(serviceCidr)];
  const families = (ranges: readonly string[]) => ranges.map(familyOfRange).join(' and ');
  if (families(pods) !== families(services)) {
    throw new UserFailure(
      exitCodes.usage,
      'E_RANGE_FAMILIES',
      `pods have addresses of ${families(pods)} and Services of ${families(services)}`,
      'name both: coracle up --pod-cidr 10.244.0.0/16,fd00:10:244::/56 --service-cidr 10.96.0.0/16,fd00:10:96::/108',
    );
  }
  const overlapping = pods.some((pod) => services.some((service) => doOverlap(pod, service)));
  if (!overlapping) return;
  throw new UserFailure(
    exitCodes.usage,
    'E_RANGES_OVERLAP',
    `the pod range ${podCidr} and the service range ${serviceCidr} overlap`,
    'name others: coracle up --pod-cidr 10.244.0.0/16 --service-cidr 10.96.0.0/16',
  );
}

export const doOverlap = (one: string, two: string) =>
  contains(one, two.split('/')[0]!) || contains(two, one.split('/')[0]!);

/** Bits of the prefix: each node gets a /24, or a /64 of IPv6, out of the pods' range. */
const prefixes = { pods: { IPv4: [8, 24], IPv6: [48, 64] }, services: { IPv4: [8, 24], IPv6: [64, 120] } } as const;

/** What is wrong with ranges that somebody asks for; undefined when nothing is. */
export function rangeProblem(list: string, what: keyof typeof prefixes): string | undefined {
  const ranges = list.split(',');
  const isValid = ranges.every((range) => {
    const family = familyOfRange(range);
    const [most, least] = family ? prefixes[what][family] : [0, 0];
    const prefix = /^[^/]+\/(\d{1,3})$/.exec(range)?.[1];
    return family !== undefined && prefix !== undefined && Number(prefix) >= most && Number(prefix) <= least;
  });
  const [first, second, ...more] = ranges.map(familyOfRange);
  if (isValid && first === 'IPv4' && second !== 'IPv4' && more.length === 0) return undefined;
  const { IPv4, IPv6 } = prefixes[what];
  const example = what === 'pods' ? '10.244.0.0/16,fd00:10:244::/56' : '10.96.0.0/16,fd00:10:96::/108';
  return `write an IPv4 range of /${IPv4[0]} to /${IPv4[1]}, and after a comma one of IPv6 of /${IPv6[0]} to /${IPv6[1]}, like ${example}.`;
}
