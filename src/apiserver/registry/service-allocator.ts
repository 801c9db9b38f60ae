import type { Random } from '../../base/random.ts';
import type { ObjectReader } from './object-reader.ts';
import { noAddresses, type ServiceAddresses } from './service-addresses.ts';

export interface ServiceAddressOptions {
  readonly objects: ObjectReader;
  readonly serviceCidr: string;
  readonly nodePortRange: readonly [first: number, last: number];
  readonly random: Random;
}

export function createServiceAddresses(_options: ServiceAddressOptions): ServiceAddresses {
  return noAddresses;
}
