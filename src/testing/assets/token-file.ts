// Tokens that never end, from a file of lines `token,user,uid,"group1,group2"`. For tests: a cluster of its own has none.
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Authenticator, UserInfo } from '../../apiserver/authn/authenticator.ts';
import { FlagError } from './flags.ts';

/** @throws FlagError for a file that cannot be read or has lines with too little in them */
export function tokenFileAuthenticator(path: string): Authenticator {
  const users = readTokens(path);
  return {
    async authenticate({ bearerToken }) {
      if (bearerToken === undefined) return undefined;
      const asked = digest(bearerToken);
      return users.find(({ token }) => timingSafeEqual(token, asked))?.user;
    },
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function readTokens(path: string): { token: Buffer; user: UserInfo }[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new FlagError(`open ${path}: ${(error as Error).message}`);
  }
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [token, username, uid, groups = ''] = fieldsOf(line);
      if (!token || !username || uid === undefined) {
        throw new FlagError(`token file '${path}' must have at least 3 columns (token, user name, user uid)`);
      }
      const user: UserInfo = {
        username,
        groups: groups.split(',').flatMap((each) => each.trim() || []),
        ...(uid ? { uid } : {}),
      };
      return { token: digest(token), user };
    });
}

/** Fields between commas; one in quotes may hold commas. */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? plain!.trim() : quoted.replaceAll('""', '"'),
  );
}
