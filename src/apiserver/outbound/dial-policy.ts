// Which addresses the API server connects to. A name is looked up once, its addresses are checked, and one of those that
// passed is connected to: nothing looks the name up again in between.
import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** `service`: an endpoint of a service, which is never this machine's own. `url`: what an administrator wrote down. */
export type DialPolicy = 'service' | 'url';

/** Nobody's service: unspecified, link-local (where clouds serve their credentials), multicast. */
const nowhere = new BlockList();
nowhere.addSubnet('0.0.0.0', 8, 'ipv4');
nowhere.addSubnet('169.254.0.0', 16, 'ipv4');
nowhere.addSubnet('224.0.0.0', 3, 'ipv4');
nowhere.addAddress('::', 'ipv6');
nowhere.addSubnet('fe80::', 10, 'ipv6');
nowhere.addSubnet('ff00::', 8, 'ipv6');
nowhere.addAddress('fd00:ec2::254', 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** `address` is an IP address. IPv4 addresses within IPv6 ones are checked as what they are. */
export function mayDial(address: string, policy: DialPolicy): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (nowhere.check(address, family)) return false;
  return policy === 'url' || !loopback.check(address, family);
}

export class DialRefusedError extends Error {
  readonly code = 'EDIALREFUSED';

  constructor(host: string) {
    super(`address ${host} is not allowed`);
  }
}

/** For sockets that connect by name. */
export function guardedLookup(policy: DialPolicy): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const allowed = addresses.filter(({ address }) => mayDial(address, policy));
      if (allowed.length === 0) return callback(new DialRefusedError(host), []);
      if (options.all) return callback(null, allowed);
      callback(null, allowed[0]!.address, allowed[0]!.family);
    });
  };
}
