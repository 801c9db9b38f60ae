// A front proxy has authenticated somebody and says whom, in headers. It is believed because of its certificate.
import { unauthorized } from '../../api/meta/status-error.ts';
import type { Authenticator } from './authenticator.ts';

export const requestHeaderNames = {
  username: ['X-Remote-User'],
  uid: ['X-Remote-Uid'],
  group: ['X-Remote-Group'],
  extraPrefix: ['X-Remote-Extra-'],
} as const;

const extraPrefix = 'x-remote-extra-';

/** `allowedNames`: common names of proxies that may; empty: all whom the authority has signed. */
export function requestHeaderAuthenticator(allowedNames: readonly string[]): Authenticator {
  return {
    async authenticate({ frontProxy }) {
      if (!frontProxy) return undefined;
      if (allowedNames.length > 0 && !allowedNames.includes(frontProxy.commonName)) throw unauthorized();
      const { username, uid, groups, extra } = readHeaders(frontProxy.rawHeaders);
      // Its certificate says nothing about who it is itself.
      if (!username) throw unauthorized();
      return {
        username,
        groups,
        ...(uid ? { uid } : {}),
        ...(Object.keys(extra).length > 0 ? { extra } : {}),
      };
    },
  };
}

/** Header values come as bytes; names are UTF-8. */
const text = (value: string) => Buffer.from(value, 'latin1').toString();

function readHeaders(rawHeaders: readonly string[]) {
  const found = {
    username: '',
    uid: '',
    groups: [] as string[],
    extra: Object.create(null) as Record<string, string[]>,
  };
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    const value = text(rawHeaders[index + 1]!);
    if (name === 'x-remote-user') found.username ||= value;
    else if (name === 'x-remote-uid') found.uid ||= value;
    else if (name === 'x-remote-group' && value) found.groups.push(value);
    else if (name.startsWith(extraPrefix)) {
      const key = decodeKey(name.slice(extraPrefix.length));
      found.extra[key] = [...(found.extra[key] ?? []), value];
    }
  }
  return found;
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key; // as upstream: what cannot be unescaped is taken as it is
  }
}
