// Names of chains and sets. The kernel takes 255 characters, a namespace and a name may have 316.
import { createHash } from 'node:crypto';

const longest = 160;

/** `policy/NAMESPACE/NAME/ingress`; long names are cut and told apart by a digest. */
export function ownName(what: string, key: string, place: string): string {
  const short = key.length <= longest ? key : `${key.slice(0, longest)}.${digest(key)}`;
  return `${what}/${short}/${place}`;
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);
