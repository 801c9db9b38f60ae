// Addresses of load balancers that the nodes themselves answer for.
import type { Service } from '../../../generated/core-v1.ts';

/** Annotation of a Service: the addresses that it was given out of our own ranges, with commas between. */
export const announcedAddress = 'coracle.dev/announced-address';

/** Needs the annotation and the status: who may write the one can often not write the other. */
export function announcedAddresses({ metadata, spec, status }: Service): string[] {
  const given = metadata.annotations?.[announcedAddress];
  if (given === undefined || spec?.type !== 'LoadBalancer') return [];
  const ours = given.split(',');
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip && ours.includes(ip) ? [ip] : []));
}
